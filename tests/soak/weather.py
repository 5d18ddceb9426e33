"""What a page's server does, request by request: mostly its duty, sometimes anything else."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from functools import cache

from tests.feeds import minute
from tests.origin import Answer, Request
from tests.soak.pages import Life, Version

VALIDATORS = ("strong", "weak", "modified", "both", "none", "ignores")
NEWS = 0.1  # of requests after which something has happened on the page
SPELL = 0.05  # of requests with which bad weather begins
ENDLESS = ("drip", "hang")  # ended by the client's own clock
ABROAD = "127.200"  # where hosts stand that no page names

Sky = Callable[["Server", Request], Answer]


@dataclass
class Server:
    """One page's server.

    Attributes:
        beat: seconds between two polls, on the program's clock.
        sent: identities of the documents that were sent in full, or confirmed, in order.
        seen: how often each weather was met.
    """

    life: Life
    beat: float
    seed: int
    plain: bool  # HTTP/1.1, not HTTP/2

    def __post_init__(self) -> None:
        number = self.life.number
        self._dice = random.Random(f"{self.seed}/{number}/weather")
        self._validators = VALIDATORS[number // 7 % len(VALIDATORS)]
        self._gzip = self._dice.random() < 0.7
        self._spell: tuple[str, int] = "", 0
        self._moves = 0
        self.sent: list[str] = []
        self.captive = False  # somebody else answers
        self.brief = False  # nothing endless any more: the night is nearly over
        self.seen: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer:
        """What comes of one request."""
        if self.captive:
            self.seen["portal"] += 1
            return SKIES["portal"](self, request)
        if "elsewhere" in request.path:
            return self.duty(request)
        kind, left = self._spell
        if not left:
            kind, left = self._next()
        self._spell = kind, left - 1
        self.seen[kind or "fair"] += 1
        return SKIES[kind](self, request) if kind else self.duty(request)

    def _next(self) -> tuple[str, int]:
        if self._dice.random() < SPELL:
            kind = self._dice.choices([*_WEIGHTS], [*_WEIGHTS.values()])[0]
            if (kind in _PLAIN_ONLY and not self.plain) or (kind in ENDLESS and self.brief):
                kind = "error"
            return kind, 1 if kind in _SHORT else self._dice.randint(1, 4)
        if self._dice.random() < NEWS:
            self.life.advance()
        return "", 1

    def duty(self, request: Request, version: Version | None = None, **more: str) -> Answer:
        """The page as it is, or «unchanged» to who has it.

        Args:
            more: header fields, `_` for `-`.
        """
        version = version or self.life.newest
        self.sent.append(version.identity)
        given = {name.replace("_", "-"): value for name, value in more.items()}
        headers = {**self._marks(version), **given}
        body = Answer(
            200,
            {**headers, "Content-Type": "application/xml"},
            version.body,
            gzip=self._gzip,
            framing="chunked" if self.life.number % 3 == 0 else "length",
        )
        if self._validators == "ignores" or not _has(request, headers):
            return body
        return Answer(304, headers)

    def _marks(self, version: Version) -> dict[str, str]:
        tag = f'"{version.identity[:12]}"'
        modified = format_datetime(minute(version.number), usegmt=True)
        return {
            "strong": {"ETag": tag},
            "weak": {"ETag": f"W/{tag}"},
            "modified": {"Last-Modified": modified},
            "both": {"ETag": tag, "Last-Modified": modified},
            "none": {},
            "ignores": {"ETag": tag},
        }[self._validators]

    # Weather.

    def wait(self, status: int) -> Answer:
        """Retry-After."""
        return Answer(status, {"Retry-After": str(self._pause())})

    def fresh(self, request: Request) -> Answer:
        return self.duty(request, Cache_Control=f"max-age={self._pause()}")

    def dated(self, request: Request) -> Answer:
        """A Date that is absurd, beside an Expires that then means nothing."""
        date = self._dice.choice(
            ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", ""]
        )
        return self.duty(request, Date=date, Expires="0", Age="-1")

    def lag(self, request: Request) -> Answer:
        """An edge that is a version behind."""
        versions = self.life.versions
        return self.duty(request, versions[max(len(versions) - 2, 0)])

    def away(self, request: Request) -> Answer:
        """For now somewhere else."""
        bare = request.path.partition("?")[0]
        return Answer(self._dice.choice([302, 303, 307]), {"Location": f"{bare}?elsewhere"})

    def move(self, request: Request) -> Answer:
        """For good; and each time to another place."""
        self._moves += 1
        bare = request.path.partition("?")[0]
        return Answer(
            self._dice.choice([301, 308]), {"Location": f"{bare}?{self._moves}"}, b"gone there"
        )

    def emigrate(self, request: Request, status: int, query: str) -> Answer:
        """To a host that nobody has heard of, each time another."""
        self._moves += 1
        port = (request.header("host") or b"").rpartition(b":")[2].decode()
        host = f"{ABROAD}.{self.life.number % 250}.{self._moves % 250}"
        place = f"http://{host}:{port}/{self.life.number}?{query}{self._moves}"
        return Answer(status, {"Location": place})

    def legacy(self) -> Answer:
        """The same, in the encoding of another age."""
        text = self.life.newest.body.decode().replace("</title>", " \u20ac</title>", 1)
        text = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        body = f'<?xml version="1.0" encoding="windows-1252"?>{text}'.encode("cp1252")
        self.sent.append(self.life.variant(body))
        return Answer(200, _XML, body)

    def whole(self, request: Request) -> Answer:
        """All of it, though it is known."""
        return self.duty(replace(request, headers=[]))

    def torn(self, share: float) -> Answer:
        body = self.life.newest.body
        return Answer(200, _XML, body, cut=int(len(body) * share))

    def half_a_gzip(self) -> Answer:
        """Cut inside a right Content-Length."""
        body = gzip.compress(self.life.newest.body)
        return Answer(200, {**_XML, "Content-Encoding": "gzip"}, body[:-20])

    def _pause(self) -> int:
        return max(round(self.beat * self._dice.uniform(1, 3)), 1)


def _has(request: Request, headers: Mapping[str, str]) -> bool:
    """Whether the client has this version (RFC 9110 13.2.2)."""
    tag, modified = request.header("if-none-match"), request.header("if-modified-since")
    if tag is not None:
        return tag == headers.get("ETag", "").encode()
    return modified is not None and modified == headers.get("Last-Modified", "").encode()


_XML = {"Content-Type": "application/xml"}
_PORTAL = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Log in</body></html>"
_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<rss version="2.0"><channel><title>&b;</title></channel></rss>"""
_ENDLESS_HEADERS = {f"X-{n}": "x" * 1000 for n in range(300)}


@cache
def _bomb() -> bytes:
    """9 MiB of nothing in 9 kB."""
    return gzip.compress(bytes(9 * 1024 * 1024), compresslevel=9)


@cache
def _too_much() -> bytes:
    """Over 4 MiB as it travels."""
    return b"<rss>" + b" " * (4 * 1024 * 1024 + 1000) + b"</rss>"


def _self(request: Request) -> Answer:
    return Answer(302, {"Location": request.path})


SKIES: dict[str, Sky] = {
    "error": lambda s, _: Answer(500 + s._dice.randrange(5), body=b"oops"),
    "busy": lambda s, _: s.wait(429),
    "closed": lambda s, _: s.wait(503),
    "missing": lambda *_: Answer(404, body=_PORTAL),
    "reset": lambda *_: Answer(reset=True),
    "torn": lambda s, _: s.torn(0.5),
    "no byte": lambda s, _: s.torn(0),
    "half a gzip": lambda s, _: s.half_a_gzip(),
    "bomb": lambda *_: Answer(200, {**_XML, "Content-Encoding": "gzip"}, _bomb()),
    "too much": lambda *_: Answer(200, _XML, _too_much()),
    "headers": lambda *_: Answer(200, _ENDLESS_HEADERS, _PORTAL),
    "truncated": lambda s, _: Answer(200, _XML, s.life.newest.body[:-40]),
    "portal": lambda *_: Answer(200, {"Content-Type": "text/html"}, _PORTAL),
    "entities": lambda *_: Answer(200, _XML, _LAUGHS),
    "nul": lambda s, _: Answer(200, _XML, s.life.newest.body.replace(b"</title>", b"\0</title>")),
    "bad bytes": lambda s, _: Answer(200, _XML, s.life.newest.body.replace(b" is ", b" \xff\xfe ")
                                     + b"\xc3"),
    "nothing": lambda *_: Answer(200, _XML, b""),
    "no feed": lambda *_: Answer(204),
    "unasked coding": lambda s, _: Answer(200, {**_XML, "Content-Encoding": "br"},
                                          s.life.newest.body),
    "loop": lambda _, request: _self(request),
    "nowhere": lambda *_: Answer(302, {"Location": "file:///etc/passwd"}),
    "drip": lambda s, _: Answer(200, _XML, s.life.newest.body, drip=(1, 0.2)),
    "hang": lambda *_: Answer(hang=True),
    # All is well beneath these.
    "slow": lambda s, request: replace(s.duty(request), delay=0.05),
    "closing": lambda s, request: replace(s.duty(request), close=True),
    "fresh": lambda s, request: s.fresh(request),
    "dated": lambda s, request: s.dated(request),
    "lag": lambda s, request: s.lag(request),
    "away": lambda s, request: s.away(request),
    "moved": lambda s, request: s.move(request),
    "abroad": lambda s, request: s.emigrate(request, 307, "elsewhere"),
    "emigrated": lambda s, request: s.emigrate(request, 301, ""),
    "legacy": lambda s, _: s.legacy(),
    "whole": lambda s, request: s.whole(request),
}  # fmt: skip
_WEIGHTS = {**dict.fromkeys(SKIES, 10), "too much": 1, "bomb": 2, "drip": 2, "hang": 2,
            "closing": 30, "abroad": 20, "emigrated": 20, "fresh": 20, "whole": 20, "error": 20}  # fmt: skip
# A third 404 in a row is a day's wait; a server that drips is left after the client's whole time.
_SHORT = frozenset(
    {"missing", "bomb", "too much", "lag", "away", "moved", "abroad", "emigrated", *ENDLESS}
)
# With a limit of its own on HTTP/2, or a matter of HTTP/1.1 alone.
_PLAIN_ONLY = frozenset({"headers", "abroad", "emigrated"})
