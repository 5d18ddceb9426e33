"""The tree of expected failures: whose fault it was, and what comes next.

    StatusError
    ├── UsageError            the user's wish or file is wrong: fix it            (exit 2)
    ├── StateError            our own folder is not usable: said, exit; while watching, go on
    │   ├── StateInUse        another run holds it                                (exit 3)
    │   ├── StateTooNew       written by a newer version: nothing was touched
    │   └── Damaged           a file was not what we wrote: a new one is in its place
    ├── Untold                an event could not be written: it is told again
    └── PageError             one page could not be read: wait, ask again
        ├── Unreachable       no answer came: names, sockets, TLS, time-outs
        ├── Refused           an answer came, but not the page: status 4xx, 5xx
        │   └── Gone          410: stop asking
        ├── Held              nothing was asked: the host wants rest
        ├── Barred            nothing was asked: its address is none of the internet's
        ├── Moved             redirects that lead nowhere, or to no feed
        └── Unreadable        a body came that is no feed, is cut short, or is too large

Foreign exceptions (httpx, zlib, expat, sqlite3) are turned into these once, at the door where
they arise.  Whatever is not in this tree is a bug and is not caught.
"""

from __future__ import annotations


class StatusError(Exception):
    """Any failure that a user can cause or meet; `str()` is one clear line."""


class UsageError(StatusError):
    """Wrong usage or configuration.

    Args:
        problems: every problem at once, each one line that names its key or option.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StateError(StatusError):
    """The state folder cannot be used."""


class StateInUse(StateError):
    """Another run holds the state folder."""


class StateTooNew(StateError):
    """The state was written by a newer version of efficient_status."""


class Untold(StatusError):
    """An event could not be written; it was not remembered, so the page's next poll tells it."""


class Damaged(StateError):
    """A file was set aside and begun anew: what was built upon its content does not hold."""


class PageError(StatusError):
    """One page could not be read in this poll.

    Attributes:
        retry_after: seconds the server asked us to wait (RFC 9110 10.2.3), or None.
        status: the HTTP status that was met, or None when no answer came.
    """

    retryable = False

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Unreachable(PageError):
    """No answer came: name look-up, connection, TLS, or a time-out."""

    retryable = True


class Refused(PageError):
    """The server answered with a status that is neither a page nor «unchanged»."""

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """Whether a second attempt within the same poll is polite (politeness P12)."""
        return self.retry_after is None and self.status in (408, 500, 502, 503, 504)


class Gone(Refused):
    """410: the server says that the page will not come back (RFC 9110 15.5.11)."""


class Held(PageError):
    """Nothing was sent: the host has asked, on another page's behalf, to be left alone."""


class Barred(PageError):
    """Nothing was sent: the host leads to a private, loopback, link-local or metadata address."""


class Moved(PageError):
    """A redirect that cannot be followed: a loop, too many, or to a place that is refused."""


class Unreadable(PageError):
    """A body came, but no feed could be read from it."""
