"""A representation with validators: when it is 200, and when 304.

The conditional part of RFC 9110 (section 13) for GET and HEAD. Pure. It knows nothing of
ranges, of If-Match and of If-Unmodified-Since: no feed reader sends them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, Required, TypeAlias, TypedDict

from .message import Answer, Fields, Framing, Headers, Request, as_bytes, as_fields

ETag: TypeAlias = str | bytes | Literal[True] | None


class Knobs(TypedDict, total=False):
    """The wire knobs of ``Answer`` that a served representation accepts."""

    delay: float
    drip: tuple[int, float] | None
    cut: int | None
    reset: bool
    hang: bool
    date: str | None
    framing: Framing
    close: bool


class Version(Knobs, total=False):
    """The arguments of ``Page.serve`` as one value."""

    body: Required[bytes | str]
    etag: ETag
    last_modified: str | None
    headers: Headers
    gzip: bool
    honour: bool


def represent(full: Answer, etag: ETag, last_modified: str | None) -> Representation:
    """Return the two answers of a representation, 200 and 304, with its validators.

    The 304 has the validators and the other fields but for Content-* (RFC 9110, 15.4.5), and
    the knobs that do not concern a body.

    Args:
        full: the 200, without validators.
        etag: True derives a strong one from the body; anything else is sent as it is.
        last_modified: sent as it is, even when it is no date.
    """
    tag = _tag(etag, as_bytes(full.body))
    fields: Fields = []
    if tag is not None:
        fields.append((b"ETag", tag))
    if last_modified is not None:
        fields.append((b"Last-Modified", last_modified.encode()))
    fields += as_fields(full.headers)
    kept = [field for field in fields if not field[0].lower().startswith(b"content-")]
    return Representation(
        full=replace(full, headers=fields),
        not_modified=replace(
            full,
            status=304,
            headers=kept,
            body=b"",
            gzip=False,
            drip=None,
            cut=None,
            framing="length",
        ),
        etag=tag,
        last_modified=last_modified,
    )


@dataclass(frozen=True, slots=True)
class Representation:
    """What a page serves: call it with a request to have the answer."""

    full: Answer
    not_modified: Answer
    etag: bytes | None
    last_modified: str | None

    def __call__(self, request: Request) -> Answer:
        """Return 304 when the client's copy is current, else the whole."""
        if request.method in {"GET", "HEAD"} and self._is_current(request):
            return self.not_modified
        return self.full

    def _is_current(self, request: Request) -> bool:
        # RFC 9110, 13.2.2: If-Modified-Since counts only when there is no If-None-Match.
        listed = request.header("If-None-Match")
        if listed is not None:
            return matches(listed, self.etag)
        since = request.header("If-Modified-Since")
        if since is None or self.last_modified is None:
            return False
        return unmodified_since(since.decode("latin-1"), self.last_modified)


def matches(listed: bytes, etag: bytes | None) -> bool:
    """Tell whether If-None-Match names the tag, by weak comparison (RFC 9110, 8.8.3.2).

    ``*`` matches always. A tag without quotes, which some servers send, matches itself.
    """
    if listed.strip() == b"*":
        return True
    if etag is None:
        return False
    named = re.findall(rb'(?:W/)?"[^"]*"', listed) + re.split(rb"\s*,\s*", listed.strip())
    return _opaque(etag) in {_opaque(tag) for tag in named}


def unmodified_since(since: str, last_modified: str) -> bool:
    """Tell whether the client's date equals Last-Modified or is later (RFC 9110, 13.1.3).

    Text that is no date is never later than anything, but the same text is equal.
    """
    if since == last_modified:
        return True
    theirs, ours = _moment(since), _moment(last_modified)
    return theirs is not None and ours is not None and theirs >= ours


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _opaque(tag: bytes) -> bytes:
    return tag.removeprefix(b"W/")


def _tag(etag: ETag, body: bytes) -> bytes | None:
    if etag is True:
        return b'"%s"' % hashlib.sha256(body).hexdigest()[:16].encode()
    return None if etag is None else as_bytes(etag)
