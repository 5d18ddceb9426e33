"""Algolia, `/1/incidents`: for each cluster a log of `{t, v: {title, body, status}}`.

There are neither ids nor states: an incident is what a cluster says between «operational» and
«operational».  The same one stands under every cluster it touches, so those that began together
under one title are one, and over when all of its clusters are well.
"""

from __future__ import annotations

from itertools import pairwise

from efficient_status.models import Impact, State, fingerprint
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_object,
    member,
    newest,
    objects,
    string,
    strings,
    when,
)

_WELL = "operational"
_IMPACTS = {
    "degraded_performance": Impact.MINOR,
    "partial_outage": Impact.MAJOR,
    "major_outage": Impact.CRITICAL,
}


def evidence(document: object) -> str | None:
    """Why this is Algolia's, or None."""
    if is_object(document, "incidents") and isinstance(as_object(document)["incidents"], dict):
        return "incidents by cluster"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - it does not speak of its page
    """What the document says of its page."""
    return Page("Algolia", "https://status.algolia.com/")


def reports(document: object) -> list[object]:
    """Its incidents, put together from the logs."""
    found: dict[str, Object] = {}
    clusters = member(document, "incidents")
    for cluster in clusters:
        for entries in _runs(objects(clusters, cluster)):
            start, title = string(entries[0], "t"), string(member(entries[0], "v"), "title")
            id_ = f"{start}-{fingerprint(title).hex()[:8]}"
            raw = found.setdefault(id_, {"id": id_, "clusters": [], "ends": []})
            for name, value in (("clusters", cluster), ("ends", entries)):
                held = raw[name]
                assert isinstance(held, list)
                held.append(value)
    return list(found.values())


def _runs(log: list[Object]) -> list[list[Object]]:
    """The log of a cluster, oldest first, cut after each «operational»; calm alone is none."""
    log = sorted(log, key=lambda entry: time.timestamp() if (time := when(entry.get("t"))) else 0)
    cuts = [0, *(n + 1 for n, entry in enumerate(log) if _status(entry) == _WELL), len(log)]
    runs = [log[start:end] for start, end in pairwise(cuts)]
    return [run for run in runs if run and _status(run[0]) != _WELL]


def _status(entry: Object) -> str:
    return string(member(entry, "v"), "status").replace("-", "_")


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    runs = [objects({"": run}, "") for run in array(incident, "ends")]
    last = newest([run[-1] for run in runs], "t")
    over = all(_status(run[-1]) == _WELL for run in runs)
    worst = max((_rank(entry) for run in runs for entry in run), default=0)
    body = string(member(last, "v"), "body")
    return Report(
        id=string(incident, "id"),
        title=string(member(runs[0][0], "v"), "title"),
        state=State.RESOLVED if over else State.INVESTIGATING,
        impact=[None, *_IMPACTS.values()][worst],
        components=strings(incident, "clusters"),
        body=body,
        update=f"{string(last, 't')} {_status(last)}",
        updates=max(len(run) for run in runs),
        started=runs[0][0].get("t"),
        updated=last.get("t"),
    )


def _rank(entry: Object) -> int:
    names = list(_IMPACTS)
    status = _status(entry)
    return names.index(status) + 1 if status in names else 0
