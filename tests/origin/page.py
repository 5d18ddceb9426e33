"""The scripted life of one page.

A test writes the script from its own thread, the server reads it from another: each change is
one assignment or one call of a deque, so neither needs a lock. A page decides what to answer;
it never touches a socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Self, Unpack

from .message import Answer, Headers, Request, Script
from .representation import ETag, Knobs, Version, represent

MISSING = Answer(404, {"Content-Type": "text/plain"}, b"no such page\n")


class Page:
    """One path of the origin; it answers 404 until it is told otherwise.

    Every method that writes the script returns the page, so that calls can be chained.
    """

    def __init__(self, path: str, asked: Callable[[str], list[Request]]) -> None:
        """Begin with an empty script; ``asked`` looks a path up in the origin's log."""
        self.path = path
        self._asked = asked
        self._queue: deque[Script] = deque()
        self._lasting: Script = MISSING
        self._versions: Sequence[Version] = ()
        self._at = 0
        self._every: int | None = None
        self._shown: Script | None = None
        self._times_shown = 0

    def __repr__(self) -> str:
        """Show what is queued and how often the page was asked for."""
        return f"<Page {self.path} {self.count} requests, {len(self._queue)} answers queued>"

    @property
    def requests(self) -> list[Request]:
        """The requests for this path since the last ``clear_log``, oldest first."""
        return self._asked(self.path)

    @property
    def count(self) -> int:
        """How many requests there were for this path since the last ``clear_log``."""
        return len(self.requests)

    def serve(
        self,
        body: bytes | str,
        *,
        etag: ETag = None,
        last_modified: str | None = None,
        headers: Headers = (),
        gzip: bool = False,
        honour: bool = True,
        **knobs: Unpack[Knobs],
    ) -> Self:
        """Serve this representation from now on: 200, or 304 to a client that has it.

        Args:
            body: before compression.
            etag: True derives a strong one from the body; anything else is sent as it is.
            last_modified: value of Last-Modified, sent as it is.
            headers: further fields of both answers; Content-* fields only of the 200.
            gzip: see ``Answer``.
            honour: False ignores conditions: always 200.
            knobs: as in ``Answer``; those about the body (drip, cut, framing) leave the 304
                alone.
        """
        full = Answer(200, headers, body, gzip=gzip, **knobs)
        representation = represent(full, etag, last_modified)
        return self.always(representation if honour else representation.full)

    def always(self, script: Script) -> Self:
        """Answer so from now on, in place of what is served.

        A callable runs in the origin's loop and must not block; when it raises, the answer is
        500 and the error comes out when the origin stops.
        """
        self._lasting = script
        return self

    def then(self, *scripts: Script) -> Self:
        """Queue one-shot answers, given before falling back to what is served."""
        self._queue.extend(scripts)
        return self

    def down(self) -> Self:
        """Answer 503 without Retry-After from now on."""
        return self.always(Answer(503, body=b"down\n"))

    def redirect(self, to: str, status: int = 301) -> Self:
        """Redirect from now on; ``to`` is the value of Location."""
        return self.always(Answer(status, [("Location", to)]))

    def versions(self, versions: Sequence[Version], every: int | None = None) -> Self:
        """Serve the first of these versions, and the next at each ``step``; the last stays.

        Args:
            versions: arguments of ``serve``, one mapping each.
            every: step by itself after that many answers from one version.
        """
        self._versions, self._every, self._at = versions, every, 0
        return self._show()

    def step(self) -> Self:
        """Move on to the next version; at the last one, stay."""
        self._at = min(self._at + 1, len(self._versions) - 1)
        return self._show()

    def _show(self) -> Self:
        self.serve(**self._versions[self._at])
        self._shown, self._times_shown = self._lasting, 0
        return self

    def answer(self, request: Request) -> Answer:
        """Return what the script says to this request (called by the server)."""
        try:
            script = self._queue.popleft()
        except IndexError:
            script = self._next_lasting()
        return script if isinstance(script, Answer) else script(request)

    def _next_lasting(self) -> Script:
        if self._lasting is self._shown:
            if self._times_shown == self._every:
                self.step()
            self._times_shown += 1
        return self._lasting
