"""What `check --network` shows: progress, a table, advice, JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from efficient_status.commands.speech import say
from efficient_status.config import Settings
from efficient_status.figures import counted, span
from efficient_status.screen import Cell, Column, Screen, Styled
from efficient_status.survey import Visit, advice, survey
from efficient_status.urls import without_credentials

logger = logging.getLogger("efficient_status")

_COLUMNS = (
    Column("PAGE"),
    Column("READ", whole=True),
    Column("PLATFORM"),
    Column("VALIDATORS"),
    Column("FRESH", right=True, whole=True),
    Column("BODY", right=True, whole=True),
    Column("FEED", right=True, whole=True),
    Column("NEWEST", right=True, whole=True),
)
_DAY = 86_400


def show(settings: Settings, *, as_json: bool) -> int:
    """Visit the pages and show what was seen; the exit status."""
    progress = _Progress(len(settings.providers))
    try:
        visits = asyncio.run(survey(settings, progress.one))
    finally:
        progress.end()
    now = time.time()
    say(_json(visits, now) if as_json else _text(visits, now))
    read = [visit for visit in visits if visit.error is None]
    logger.info("%s", _summary(visits, len(read), now))
    return 0 if len(read) == len(visits) else 1


class _Progress:
    """A bar on stderr, where that is a terminal."""

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._done = 0
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        codec = sys.stderr.encoding.lower() if self._shown else ""
        self._screen = Screen(fine=codec.startswith("utf"))
        self._draw("")

    def one(self, visit: Visit) -> None:
        """One more page is done."""
        self._done += 1
        self._draw(visit.provider.key)

    def _draw(self, key: str) -> None:
        bar = self._screen.bar(self._done / self._pages, 20)
        self._write(f"{bar} {self._done} of {self._pages} pages  {key}")

    def end(self) -> None:
        """Leave an empty line."""
        self._write("")

    def _write(self, text: str) -> None:
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            end = "" if text else "\r"
            sys.stderr.write(f"\r{text[:width]:{width}}{end}")
            sys.stderr.flush()


def _text(visits: Sequence[Visit], now: float) -> str:
    screen = Screen.of_stdout()
    text = screen.table(_COLUMNS, [_row(visit, now) for visit in visits])
    rows: list[Sequence[Cell]] = [
        (visit.provider.key, Styled(each, "warn" if visit.error is None else "bad"))
        for visit in visits
        for each in advice(visit, now)
    ]
    if rows:
        text += "\n" + screen.table([Column("PAGE"), Column("ADVICE")], rows)
    return text


def _row(visit: Visit, now: float) -> Sequence[Cell]:
    if visit.error is not None:
        answer = str(visit.status) if visit.status not in (0, 200) else "no"
        return (visit.provider.key, Styled(answer, "bad"), *[""] * (len(_COLUMNS) - 2))
    return (
        visit.provider.key,
        Styled("yes", "good"),
        _platform(visit),
        _validators(visit),
        span(visit.fresh) if visit.fresh else "no",
        f"{visit.body / 1000:,.1f} kB",
        f"{visit.document / 1000:,.1f} kB",
        _age(visit.newest, now),
    )


def _platform(visit: Visit) -> Cell:
    expected = visit.provider.dialect
    fits = expected in (None, visit.dialect.rpartition("-")[0])
    return visit.dialect if fits else Styled(f"{visit.dialect}, not {expected}", "warn")


def _validators(visit: Visit) -> Cell:
    if not visit.kept:
        return Styled("no-store", "warn")
    if not visit.validators:
        return Styled("none", "warn")
    sent = " ".join(_sent(visit))
    if visit.honoured is None:
        return f"{sent}: not seen"
    return f"{sent}: 304" if visit.honoured else Styled(f"{sent}: ignored", "warn")


def _sent(visit: Visit) -> Iterator[str]:
    if visit.etag:
        yield "etag"
    if visit.last_modified:
        yield "date"


def _age(moment: datetime | None, now: float) -> str:
    seconds = now - moment.timestamp() if moment else 0.0
    if moment is None or seconds < 0:
        return "ahead" if moment else ""
    return span(seconds) if seconds < 2 * _DAY else f"{seconds / _DAY:,.0f} d"


def _json(visits: Iterable[Visit], now: float) -> str:
    lines = [json.dumps(_object(visit, now)) for visit in visits]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _object(visit: Visit, now: float) -> dict[str, Any]:
    """Keys are always all present."""
    newest = visit.newest and f"{visit.newest.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {
        "key": visit.provider.key,
        "feed": without_credentials(visit.provider.feed),
        "readable": visit.error is None,
        "error": visit.error and without_credentials(str(visit.error)),
        "status": visit.status or None,
        "dialect": visit.dialect or None,
        "declared": visit.provider.dialect,
        "evidence": visit.evidence or None,
        "etag": visit.etag,
        "last_modified": visit.last_modified,
        "honoured": visit.honoured,
        "storable": visit.kept if visit.error is None else None,
        "fresh_seconds": visit.fresh,
        "body_bytes": visit.body,
        "document_bytes": visit.document,
        "redirected_to": visit.target or None,
        "moved_to": visit.moved_to or None,
        "incidents": visit.incidents,
        "newest": newest,
        "requests": visit.requests,
        "bytes_sent": visit.sent,
        "bytes_received": visit.received,
        "advice": list(advice(visit, now)),
    }


def _summary(visits: Sequence[Visit], read: int, now: float) -> str:
    advised = sum(visit.error is None and any(advice(visit, now)) for visit in visits)
    requests = sum(visit.requests for visit in visits)
    travelled = sum(visit.sent + visit.received for visit in visits) / 1000
    return (
        f"{read} of {counted(len(visits), 'page')} can be read,"
        f" advice on {advised} of them; {counted(requests, 'request')}, {travelled:,.1f} kB"
    )
