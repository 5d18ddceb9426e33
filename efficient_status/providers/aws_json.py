"""Amazon Web Services: the Health Dashboard's `public/currentevents`, and `data.json` before it.

`currentevents` is UTF-16 with a byte order mark, and empty when all is well.  The log is oldest
first.  Statuses are text in the event and numbers in the log: 0 is over, 1 information, 2
degradation, 3 disruption.  It holds what is going on: an event leaves it when it is over, with or
without having been shown as such.

`data.json` has the current events and an archive.  There are no ids, and the texts are <div>s with a
clock time each, oldest first.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise

from efficient_status.models import Impact, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_list_of,
    is_object,
    names,
    newest,
    objects,
    string,
    when,
)

_IMPACTS = {"1": Impact.NONE, "2": Impact.MINOR, "3": Impact.MAJOR}
_OVER = "[RESOLVED]"
_HOME = "https://health.aws.amazon.com/health/status"
_CLOCK = re.compile(
    r"<span[^<>]{0,60}>[^<>]{0,12}?\b(\d{1,2}):(\d{2}) ([AP])M [A-Z]{3,4}</span>(?:&nbsp;)?"
)
_ARCHIVED = "\0archived"


def evidence(document: object) -> str | None:
    """Why this is AWS', or None."""
    if is_list_of(document, "event_log") or is_list_of(document, "region_name", "arn"):
        return "a list of events with an event_log"
    if is_object(document, "archive", "current"):
        return "current events and an archive"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    return Page("AWS", _HOME, absence_closes=isinstance(document, list))


def reports(document: object) -> list[object]:
    """Its raw events."""
    if isinstance(document, list):
        return document
    archive = [{**raw, _ARCHIVED: 1} for raw in objects(document, "archive")]
    return [*array(document, "current"), *archive]


def report(raw: object) -> Report:
    """Read one."""
    event = as_object(raw)
    return _event(event) if "event_log" in event or "arn" in event else _legacy(event)


def _event(event: Object) -> Report:
    log = objects(event, "event_log")[::-1]  # newest first, so that it wins among equals
    last = newest(log, "timestamp")
    status = string(event, "status")
    summary = string(event, "summary") or string(last, "summary")
    over = status == "0" or bool(string(event, "end_time")) or summary.startswith(_OVER)
    return Report(
        id=string(event, "arn") or _named(event),
        title=summary.removeprefix(_OVER),
        state=State.RESOLVED if over else State.INVESTIGATING,
        impact=_IMPACTS.get(status),
        components=_services(event) or [_service(event)],
        body=string(last, "message"),
        update=f"{string(last, 'timestamp')} {string(last, 'status')}",
        updates=len(log) or None,
        started=event.get("date"),
        updated=last.get("timestamp") or event.get("date"),
    )


def _named(event: Object) -> str:
    service, date = string(event, "service"), string(event, "date")
    return f"{service}_{date}" if service and date else ""


def _services(event: Object) -> list[str]:
    impacted = event.get("impacted_services")
    listed = list(impacted.values()) if isinstance(impacted, dict) else impacted
    return names({"": listed}, "", "service_name")


def _service(event: Object) -> str:
    name, region = string(event, "service_name"), string(event, "region_name")
    return f"{name} ({region})" if region and region not in name else name


def _legacy(event: Object) -> Report:
    texts = [text for text in string(event, "description").split("<div>") if text.strip()]
    summary = string(event, "summary")
    over = _ARCHIVED in event or summary.startswith(_OVER) or string(event, "status") == "0"
    return Report(
        id=_named(event),
        title=summary.removeprefix(_OVER),
        state=State.RESOLVED if over else State.INVESTIGATING,
        impact=None if over else _IMPACTS.get(string(event, "status")),
        components=[_service(event)],
        body=_CLOCK.sub("", texts[-1], count=1) if texts else string(event, "details"),
        updates=len(texts) or None,
        started=event.get("date"),
        updated=_last_time(texts, when(event.get("date"))),
    )


def _last_time(texts: list[str], start: datetime | None) -> str:
    """The start, moved by what the clock times say has passed since."""
    clocks = [clock for text in texts if (clock := _CLOCK.match(text))]
    minutes = [
        (int(clock[1]) % 12 + (12 if clock[3] == "P" else 0)) * 60 + int(clock[2])
        for clock in clocks
    ]
    passed = sum((b - a) % 1_440 for a, b in pairwise(minutes))
    return (start + timedelta(minutes=passed)).isoformat() if start else ""
