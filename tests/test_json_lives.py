"""The life of an incident on every platform that is read as JSON, over real HTTP.

Each step is a document and exactly what must be told of it; every document is asked for three times
(once where a step says so), so that whatever is told is told once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, NamedTuple

import pytest

from efficient_status.models import fingerprint
from efficient_status.providers.platforms_json import JSON_DIALECTS
from tests.app import App
from tests.origin import Origin

Raw = dict[str, Any]


class Step(NamedTuple):
    """A document, what is told of it («new ID state»), and how often it is asked for."""

    body: bytes
    told: list[str]
    polls: int = 3


def step(document: object, *told: str, polls: int = 3) -> Step:
    return Step(json.dumps(document).encode(), list(told), polls)


def at(minutes: int) -> str:
    return f"2026-03-04T{9 + minutes // 60:02}:{minutes % 60:02}:00Z"


def epoch(minutes: int) -> int:
    return 1772614800 + 60 * minutes


def with_(raw: Raw, **members: object) -> Raw:
    return {**deepcopy(raw), **members}


def statuspage(page: str, *incidents: Raw, built: int = 0, **more: object) -> Raw:
    about = {"id": page, "name": "Kelpworks", "url": "https://s.test", "updated_at": at(built)}
    return {"page": about, "incidents": list(incidents), **more}


def incident(id_: str, *updates: tuple[str, str, int], name: str = "Errors", **more: object) -> Raw:
    """Updates (state, text, minute) oldest first, as they happen."""
    return {
        "id": id_,
        "name": name,
        "status": updates[-1][0],
        "impact": "minor",
        "created_at": at(updates[0][2]),
        "updated_at": at(updates[-1][2]),
        "components": [{"name": "API"}, {"name": "Mail"}],
        "incident_updates": [
            {"id": f"{id_}-{n}", "status": state, "body": text, "display_at": at(minute)}
            for n, (state, text, minute) in reversed(list(enumerate(updates)))
        ],
        **more,
    }


PAGE, ULID = "kx0000000000", "01JMDK9XYNY6EX1B1QK9PX3N3W"


def life_on_statuspage_incidents() -> Iterable[Step]:
    def page(*incidents: Raw, built: int = 0) -> Raw:
        return statuspage(PAGE, *incidents, old, built=built)

    old = incident("old", ("resolved", "Fixed.", -60))
    one = incident("one", ("investigating", "Looking.", 1))
    two = incident("one", ("investigating", "Looking.", 1), ("investigating", "Still.", 5))
    three = incident(
        "one",
        *(("investigating", "Looking.", 1), ("investigating", "Still.", 5)),
        ("investigating", "Still.", 9),
    )
    done = incident("one", ("investigating", "Looking.", 1), ("resolved", "Fixed.", 20))
    more = [{"name": "Mail"}, {"name": "API"}]
    yield step(page(), "new old resolved")
    yield step(page(one), "new one investigating")
    yield step(page(with_(one, components=more, updated_at=at(3)), built=3))  # stamps, order
    yield step(page(with_(one, name="Many errors", impact="major")))  # edited
    yield step(page(two), "update one investigating")
    yield step(page(three), "update one investigating")  # the same words again
    yield step(page(two))  # an edge that lags
    yield step(page(three))
    below = incident("low", ("identified", "Found.", 2))
    yield step(statuspage(PAGE, three, old, below), "new low identified")  # below what is known
    yield step(page(done, below), "resolved one resolved")
    yield step(page(with_(done, name="Odd", incident_updates=done["incident_updates"][:1]), below))
    post = incident("one", ("resolved", "Fixed.", 20), ("postmortem", "A cable.", 90))
    yield step(page(post, below), "update one postmortem")
    yield step(statuspage(PAGE, post, old))  # `low` left the window: that says nothing
    yield step(page(incident("low", ("resolved", "Fixed.", 30))), "resolved low resolved")


def life_on_statuspage_summary() -> Iterable[Step]:
    def page(*incidents: Raw, planned: Iterable[Raw] = ()) -> Raw:
        more: Raw = {"status": {"indicator": "none"}, "components": []}
        return statuspage(PAGE, *incidents, scheduled_maintenances=list(planned), **more)

    one = incident("one", ("investigating", "Looking.", 1))
    two = incident("one", ("investigating", "Looking.", 1), ("monitoring", "Better.", 5))
    soon = incident("mnt", ("scheduled", "Soon.", 2), scheduled_for="2026-12-20T02:00:00Z")
    now = with_(incident("mnt", ("in_progress", "Begun.", 30)), scheduled_for=at(30))
    yield step(page())
    yield step(page(one), "new one investigating")
    yield step(page(two, planned=[soon]), "new mnt scheduled", "update one monitoring")
    yield step(page(planned=[soon]), polls=1)  # missed once is nothing
    yield step(page(two, planned=[soon]))
    yield step(page(planned=[soon]), "resolved one resolved")
    yield step(page(planned=[now]), "update mnt in_progress")
    yield step(page(), "resolved mnt resolved")
    yield step(page(two))  # an edge that lags by minutes: it was told
    more = incident("one", *(("investigating", "Looking.", 1), ("monitoring", "Worse.", 50)))
    yield step(page(more), "update one monitoring")  # it is back


def life_on_incidentio() -> Iterable[Step]:
    def page(*incidents: Raw) -> Raw:
        return statuspage(ULID, *incidents)

    def silent(raw: Raw) -> Raw:
        """Texts are empty, and there are no components."""
        updates = [with_(update, body="") for update in raw["incident_updates"]]
        return with_(raw, incident_updates=updates, components=None, shortlink=None)

    old = silent(incident("old", ("resolved", "", -60)))
    one = [("investigating", "", 1), ("investigating", "", 5), ("resolved", "", 9)]
    yield step(page(old), "new old resolved")
    yield step(page(silent(incident("one", *one[:1])), old), "new one investigating")
    yield step(page(silent(incident("one", *one[:2])), old), "update one investigating")
    yield step(page(silent(incident("one", *one)), old), "resolved one resolved")
    yield step(page(old))


def life_on_gcp() -> Iterable[Step]:
    def raw(id_: str, *updates: tuple[str, str, int], **more: object) -> Raw:
        shown = [
            {"when": at(minute), "status": status, "text": text} for status, text, minute in updates
        ]
        begin = {"id": id_, "begin": at(updates[0][2]), "external_desc": " Slow"}
        products = [{"title": "SQL"}, {"title": "Compute"}]
        rest = {"modified": at(updates[-1][2]), "updates": shown[::-1], "uri": f"incidents/{id_}"}
        return {**begin, **rest, "affected_products": products, **more}

    bad, good = "SERVICE_DISRUPTION", "AVAILABLE"
    old = raw("old", (good, "Fixed.", -60), end=at(-60))
    one = raw("one", (bad, "Looking.", 5))
    two = raw("one", (bad, "Looking.", 5), (bad, "Found.", 9))
    done = raw("one", (bad, "Looking.", 5), (good, "Fixed.", 20))
    yield step([old], "new old resolved")
    yield step([one, old], "new one investigating")
    yield step([with_(one, affected_products=one["affected_products"][::-1]), old])
    yield step([with_(one, modified=at(7)), old])
    yield step([two, old], "update one investigating")
    # Sorted by `begin`: news may stand below.
    yield step([two, raw("low", (bad, "Looking.", 2)), old], "new low investigating")
    yield step([with_(two, end=None), old])
    yield step([done, old], "resolved one resolved")
    yield step([with_(done, end=at(20), modified=at(22)), old])
    report = raw("one", (good, "Fixed.", 20), (good, "A cable.", 200), end=at(20))
    yield step([with_(report, updates=[*report["updates"], {}]), old], "update one resolved")


def life_on_aws() -> Iterable[Step]:
    def raw(id_: str, status: str, *log: tuple[int, str, int], **more: object) -> Raw:
        entries = [
            {"summary": "Errors", "message": text, "status": level, "timestamp": epoch(minute)}
            for level, text, minute in log
        ]
        about = {"arn": id_, "date": str(epoch(log[0][2])), "region_name": "Oregon"}
        rest = {"service": "s", "service_name": "Queue", "summary": "Errors"}
        return {**about, **rest, "status": status, "event_log": entries, **more}

    def utf16(*events: Raw) -> bytes:
        return b"\xfe\xff" + json.dumps(events).encode("utf-16-be")

    one = raw("one", "1", (1, "Looking.", 1))
    two = raw("one", "3", (1, "Looking.", 1), (3, "Found.", 5))
    done = raw("one", "0", (1, "Looking.", 1), (0, "Fixed.", 9), summary="[RESOLVED] Errors")
    other = raw("oth", "2", (2, "Looking.", 30))
    yield Step(utf16(), [])
    yield Step(utf16(one), ["new one investigating"])
    yield Step(utf16(two), ["update one investigating"])
    yield Step(utf16(with_(two, status="2")), [])
    yield Step(utf16(other, done), ["resolved one resolved", "new oth investigating"])
    yield Step(utf16(other), [])
    yield Step(utf16(), [], 1)
    yield Step(utf16(), ["resolved oth resolved"])  # it was never shown as over


def life_on_aws_as_it_was() -> Iterable[Step]:
    def raw(summary: str, *texts: str) -> Raw:
        html = "".join(f'<div><span class="y">{text}</div>' for text in texts)
        about = {"service": "queue", "service_name": "Queue", "date": str(epoch(1))}
        return {**about, "summary": summary, "status": "2", "description": html}

    looking, fixed = "9:01 AM PST</span>&nbsp;Looking.", "9:30 AM PST</span>&nbsp;Fixed."
    one, done = raw("Errors", looking), raw("[RESOLVED] Errors", looking, fixed)
    id_ = f"queue_{epoch(1)}"
    yield step({"archive": [], "current": []})
    yield step({"archive": [], "current": [one]}, f"new {id_} investigating")
    yield step({"archive": [done], "current": []}, f"resolved {id_} resolved")
    yield step({"archive": [], "current": []})


def note(text: str, minute: int) -> Raw:
    return {"date_created": at(minute), "body": f"<p>{text}</p>"}


def slack(id_: str, status: str, *notes: Raw) -> Raw:
    about = {"id": id_, "title": "Slow", "type": "incident", "status": status, "url": ""}
    services = ["Search", "Huddles"]
    return {**about, "date_created": at(1), "services": services, "notes": list(notes)}


def life_on_slack() -> Iterable[Step]:
    def page(*incidents: Raw) -> Raw:
        return {"status": "active" if incidents else "ok", "active_incidents": list(incidents)}

    one = slack("one", "active", note("Looking.", 1))
    two = slack("one", "active", note("Better.", 9), note("Looking.", 1))
    yield step(page())
    yield step(page(one), "new one investigating")
    yield step(page(with_(one, services=["Huddles", "Search"], date_updated=at(5))))
    yield step(page(with_(two, date_updated=at(9))), "update one investigating")
    yield step(page(), polls=1)
    yield step(page(with_(two, date_updated=at(9))))
    yield step(page(), "resolved one resolved")


def life_on_slack_history() -> Iterable[Step]:
    old = slack("old", "resolved", note("Fixed.", -60))
    one = slack("one", "active", note("Looking.", 1))
    done = slack("one", "resolved", note("Fixed.", 9), note("Looking.", 1))
    yield step([old], "new old resolved")
    yield step([one, old], "new one investigating")
    yield step([old])  # the history has a window
    yield step([done, old], "resolved one resolved")
    yield step([with_(done, date_updated="2026-03-14T09:00:00Z"), old])  # ten days later


def life_on_heroku() -> Iterable[Step]:
    def raw(id_: int, state: str, *updates: tuple[str, str, int]) -> Raw:
        shown = [
            {"update_type": kind, "contents": text, "created_at": at(minute)}
            for kind, text, minute in updates
        ]
        url = f"https://status.heroku.com/incidents/{id_}"
        about = {"id": id_, "title": "Slow", "state": state, "resolved": False, "full_url": url}
        systems = [{"name": "Apps", "status": "yellow"}, {"name": "Data", "status": "green"}]
        return {**about, "created_at": at(1), "systems": systems, "updates": shown[::-1]}

    def page(*incidents: Raw) -> Raw:
        status = [{"system": "Apps", "status": "green"}]
        return {"status": status, "incidents": list(incidents), "scheduled": [stale]}

    stale = raw(2959, "upcoming", ("scheduled", "Maintenance is complete", -90))
    one = raw(2970, "open", ("issue", "Looking.", 1))
    two = raw(2970, "open", ("issue", "Looking.", 1), ("update", "Found.", 5))
    done = raw(2970, "resolved", ("issue", "Looking.", 1), ("resolved", "Fixed.", 9))
    other = raw(2971, "open", ("issue", "Looking.", 30))
    yield step(page(), "new 2959 scheduled")
    yield step(page(one), "new 2970 investigating")
    yield step(page(two), "update 2970 investigating")
    yield step(page(done), "resolved 2970 resolved")  # though `resolved` is false
    yield step(page(other), "new 2971 investigating")
    yield step(page(), "resolved 2971 resolved")


def life_on_salesforce() -> Iterable[Step]:
    def raw(end: str | None, *events: tuple[str, int]) -> Raw:
        shown = [
            {"id": n, "message": text, "createdAt": at(minute)}
            for n, (text, minute) in enumerate(events)
        ]
        impact = {"startTime": at(0), "endTime": end, "type": "outage", "severity": "major"}
        about = {"id": 7, "createdAt": at(1), "instanceKeys": ["NA1", "EU2"], "serviceKeys": []}
        return {**about, "IncidentImpacts": [impact], "IncidentEvents": shown}

    one, two = raw(None, ("Looking.", 1)), raw(None, ("Looking.", 1), ("Found.", 5))
    yield step([one], "new 7 investigating")
    yield step([with_(one, instanceKeys=["EU2", "NA1"], updatedAt=at(3))])
    yield step([two], "update 7 investigating")
    yield step([with_(two, IncidentEvents=two["IncidentEvents"][::-1])])
    yield step([raw(at(20), ("Looking.", 1), ("Fixed.", 20))], "resolved 7 resolved")


def life_on_apple() -> Iterable[Step]:
    def event(status: str, text: str, posted: str, end: int | None = None) -> Raw:
        times = {"epochStartDate": epoch(1) * 1000, "epochEndDate": end and epoch(end) * 1000}
        about = {"messageId": "2001", "statusType": "Outage", "datePosted": posted}
        return {**about, **times, "eventStatus": status, "message": text}

    def page(**events: list[Raw]) -> Step:
        services = [{"serviceName": name, "events": shown} for name, shown in events.items()]
        return Step(f"jsonCallback({json.dumps({'services': services})});".encode(), [])

    one = event("ongoing", "Users may see errors.", "03/04/2026 01:05 PST")
    two = event("ongoing", "Some users may see errors.", "03/04/2026 01:45 PST")
    done = event("resolved", "Some users saw errors.", "03/04/2026 01:45 PST", end=90)
    yield page(Photos=[], Mail=[])
    yield page(Photos=[], Mail=[one])._replace(told=["new 2001 investigating"])
    yield page(Photos=[one], Mail=[one])  # another service joins
    yield page(Mail=[one], Photos=[one])
    yield page(Photos=[two], Mail=[two])._replace(told=["update 2001 investigating"])
    yield page(Photos=[done], Mail=[done])._replace(told=["resolved 2001 resolved"])
    yield page(Photos=[], Mail=[])  # a day later


def life_on_zendesk() -> Iterable[Step]:
    def page(*updates: tuple[str, int], status: str = "investigating") -> Raw:
        refs = [{"id": str(n), "type": "incident_update"} for n in range(len(updates))]
        about = {"title": "Tickets do not load", "status": status, "started_at": at(1)}
        data = {"id": "247", "type": "incident", "attributes": {**about, "impact": "major"}}
        shown = [
            {**ref, "attributes": {"description": text, "created_at": at(minute)}}
            for ref, (text, minute) in zip(refs, updates, strict=True)
        ]
        data["relationships"] = {"incident_updates": {"data": refs}}
        return {"data": [data], "included": shown[::-1]}

    nothing: Raw = {"data": [], "included": []}
    two = page(("Looking.", 1), ("Found.", 5), status="identified")
    yield step(nothing)
    yield step(page(("Looking.", 1)), "new 247 investigating")
    yield step(two, "update 247 identified")
    yield step(with_(two, included=two["included"][::-1]))
    yield step(nothing, polls=1)
    yield step(two)
    yield step(nothing, "resolved 247 resolved")


def life_on_algolia() -> Iterable[Step]:
    def entry(minute: int, status: str, text: str) -> Raw:
        return {"t": epoch(minute) * 1000, "v": {"title": "Slow", "body": text, "status": status}}

    def page(**clusters: list[Raw]) -> Raw:
        return {"incidents": clusters}

    slow, worse = entry(1, "degraded_performance", "Looking."), entry(5, "major_outage", "Worse.")
    well, later = entry(9, "operational", "Up."), entry(15, "operational", "All up.")
    id_ = f"{epoch(1) * 1000}-{fingerprint('Slow').hex()[:8]}"
    yield step(page(c1=[], c2=[]))
    yield step(page(c1=[slow], c2=[]), f"new {id_} investigating")
    yield step(page(c1=[slow], c2=[slow]))  # another cluster joins
    yield step(page(c2=[slow], c1=[worse, slow]), f"update {id_} investigating")
    yield step(page(c1=[slow, worse, well], c2=[slow]), f"update {id_} investigating")
    yield step(page(c1=[slow, worse, well], c2=[slow, later]), f"resolved {id_} resolved")
    yield step(page(c1=[], c2=[]))


def life_on_instatus() -> Iterable[Step]:
    def page(status: str = "HASISSUES", **lists: list[Raw]) -> Raw:
        return {"page": {"name": "Fernhill", "url": "https://s.test", "status": status}, **lists}

    one = {"id": "one", "name": "Slow", "started": at(1), "impact": "MAJOROUTAGE"}
    seen = with_(one, status="INVESTIGATING", updatedAt=at(1))
    found = with_(one, status="IDENTIFIED", updatedAt=at(5))
    plan = {"id": "mnt", "name": "Upgrade", "start": at(60), "status": "NOTSTARTEDYET"}
    yield step(page())  # HASISSUES, and none
    yield step(page("UP", activeIncidents=[seen]), "new one investigating")
    yield step(page(activeIncidents=[with_(seen, updatedAt=at(3))]))
    yield step(page(activeIncidents=[found]), "update one identified")
    yield step(page("UP"), polls=1)
    yield step(page(activeIncidents=[found]))
    yield step(page("UP", activeMaintenances=[plan]), "new mnt scheduled", polls=1)
    yield step(page("UP", activeMaintenances=[plan]), "resolved one resolved")
    begun = with_(plan, status="INPROGRESS")
    yield step(page(activeMaintenances=[begun]), "update mnt in_progress")
    yield step(page("UP"), "resolved mnt resolved")


def life_on_betterstack() -> Iterable[Step]:
    def page(state: str, *updates: tuple[str, int]) -> Raw:
        shown = [
            {"id": str(n), "type": "status_update", "attributes": {"message": t, "published_at": at(m)}}
            for n, (t, m) in enumerate(updates)
        ]  # fmt: skip
        refs = [{"id": each["id"], "type": "status_update"} for each in shown]
        about = {
            "title": "Late jobs",
            "aggregate_state": state,
            "starts_at": at(0),
            "ends_at": None,
        }
        report = {"id": "900", "type": "status_report", "attributes": about}
        report["relationships"] = {"status_updates": {"data": refs}}
        data = {"id": "1", "type": "status_page", "attributes": {"company_name": "Oak"}}
        return {"data": data, "included": [*shown, report] if updates else []}

    yield step(page("operational"))
    yield step(page("degraded", ("Looking.", 1)), "new 900 investigating")
    yield step(page("downtime", ("Looking.", 1)))  # the same update, a worse impact
    two = page("downtime", ("Looking.", 1), ("Found.", 5))
    yield step(two, "update 900 investigating")
    yield step(with_(two, included=two["included"][::-1]))
    yield step(page("resolved", ("Looking.", 1), ("Fixed.", 9)), "resolved 900 resolved")
    yield step(page("operational"))  # it left the page


def life_on_statusio() -> Iterable[Step]:
    def page(*messages: tuple[int, str, int], planned: Raw | None = None) -> Raw:
        shown = [
            {"state": state, "details": text, "datetime": at(minute), "status": 300}
            for state, text, minute in messages
        ]
        one = {"_id": "one", "name": "Slow", "datetime_open": at(1), "messages": shown}
        overall = {"status_overall": {"updated": at(0)}}
        return {"result": {**overall, "incidents": [one] * bool(shown), "maintenance": planned}}

    mnt = {"_id": "mnt", "name": "Upgrade", "datetime_open": at(0), "messages": []}
    soon, now = {"upcoming": [mnt]}, {"active": [mnt], "upcoming": []}
    yield step(page())
    yield step(page((100, "Looking.", 1)), "new one investigating")
    yield step(page((100, "Looking.", 1), (200, "Found.", 5)), "update one identified")
    yield step(page(planned=soon), "new mnt scheduled", polls=1)
    yield step(page(planned=soon), "resolved one resolved")
    yield step(page(planned=now), "update mnt in_progress")
    yield step(page(), "resolved mnt resolved")


def life_on_cachet() -> Iterable[Step]:
    def page(*updates: tuple[int, str, int]) -> Raw:
        first, *rest = (
            {"id": n, "status": status, "message": text, "created_at": at(minute)}
            for n, (status, text, minute) in enumerate(updates)
        )
        data = {**first, "id": 12, "name": "Disk full", "updates": rest[::-1]}
        return {"meta": {"pagination": {"total": 1}}, "data": [data]}

    yield step({"meta": {"pagination": {"total": 0}}, "data": []})
    yield step(page((1, "Looking.", 1)), "new 12 investigating")
    yield step(page((1, "Looking.", 1), (2, "Full.", 5)), "update 12 identified")
    last = page((1, "Looking.", 1), (2, "Full.", 5), (4, "Empty.", 9))
    yield step(last, "resolved 12 resolved")
    yield step({"meta": {"pagination": {"total": 0}}, "data": []})


def life_on_sorry() -> Iterable[Step]:
    def page(state: str, text: str, minute: int, **more: object) -> Raw:
        last = {"id": minute, "content": text, "created_at": at(minute)}
        about = {"id": 501, "subject": "Slow", "type": "unplanned", "state": state}
        return {"notices": [{**about, "began_at": at(1), "latest_update": last, **more}]}

    yield step({"notices": []})
    yield step(page("investigating", "Looking.", 1), "new 501 investigating")
    yield step(page("investigating", "Looking.", 1, updated_at=at(3)))
    yield step(page("investigating", "Still looking.", 5), "update 501 investigating")
    yield step(page("recovering", "Better.", 7), "update 501 monitoring")
    yield step(page("resolved", "Fixed.", 9, ended_at=at(9)), "resolved 501 resolved")
    yield step({"notices": []})


def life_on_flashduty() -> Iterable[Step]:
    def page(*updates: tuple[str, str, int], close: int = 0) -> Raw:
        shown = [
            {"update_id": str(n), "status": status, "description": text, "at_seconds": epoch(minute)}
            for n, (status, text, minute) in enumerate(updates)
        ]  # fmt: skip
        change = {"change_id": 77, "type": "incident", "title": "Slow", "updates": shown}
        times = {"start_at_seconds": epoch(1), "close_at_seconds": close}
        status = {"status": updates[-1][0]} if updates else {}
        changes = [{**change, **times, **status}] if updates else []
        return {"data": {"page": {"name": "Deepwell"}, "active_changes": changes}}

    one = ("investigating", "Looking.", 1)
    yield step(page())
    yield step(page(one), "new 77 investigating")
    yield step(page(one, ("monitoring", "Better.", 5)), "update 77 monitoring")
    yield step(page(), polls=1)
    yield step(page(one, ("monitoring", "Better.", 5)))
    yield step(page(), "resolved 77 resolved")


LIVES = {
    name.removeprefix("life_on_"): life for name, life in globals().items() if "life_on_" in name
}


@pytest.mark.parametrize("life", LIVES)
def test_exactly_what_happened_is_told_once(life: str, origin: Origin) -> None:
    steps = list(LIVES[life]())
    page = origin.page("/feed.json")

    async def work() -> list[list[str]]:
        app = App(origin.url("/feed.json"))
        told = []
        for body, _, polls in steps:
            page.serve(body, etag=True)
            before = len(app.told.events)
            for _ in range(polls):
                poll = await app.poller.poll(app.pages[0])
                assert poll.error is None
            events = app.told.events[before:]
            told.append([f"{e.happening} {e.incident.id} {e.incident.state}" for e in events])
        await app.close()
        return told

    assert asyncio.run(work()) == [told for _, told, _ in steps]
    assert {request.status for request in page.requests} == {200, 304}


def test_every_platform_has_a_life() -> None:
    assert {name.partition("_")[0] for name in LIVES} == set(JSON_DIALECTS)
