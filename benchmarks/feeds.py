"""The documents that are served: 25 incidents of an invented vendor, about 25 kB."""

from __future__ import annotations

import json
import random

from tests.feeds import Report, Timeline, incidentio, minute, statuspage

ITEMS = 25

_WORDS = """
    a about access account after again all also an and answers any app are around as at background
    be because been before being between both browser but by cache calls cause change changes chat
    clear completed conversations correct customers dashboard data deployment did do down elevated
    engineers error errors every expected failed few files fix for found from full further gateway
    has have higher identified impact in increased investigating is issue it latency limited live
    login longer many may messages minutes mitigated mobile monitor monitoring more most network new
    no normal not now observed of on only or other our outage over part people performance pipeline
    please processing provider queue rates recovering region reports requests resolved responses
    rolled root search seeing service should since slow some soon store subset successful team than
    that the their there this time timeouts to traffic unable under until up update uploads users
    using was we web were when which while who will with within work working workers you
""".split()


def _message(number: int, length: int) -> str:
    dice = random.Random(number)
    words = " ".join(dice.choice(_WORDS) for _ in range(length // 3))
    return f"{words[:length].rsplit(' ', 1)[0].capitalize()}."


def incidentio_feed(first: int = 0, items: int = ITEMS) -> bytes:
    """An RSS document of incident.io with the incidents `first` … `first + items - 1`."""
    newest = first + items - 1
    reports = [
        Report(
            f"01EXAMPLE{number:04}",
            title=f"Slow answers, number {number}",
            state="Resolved",
            message=_message(number, 120),
            components=("Chat (Operational)", "Login (Operational)"),
            at=minute(60 * number),
        )
        for number in range(newest, first - 1, -1)
    ]
    return incidentio(*reports, built=minute(60 * newest)).encode()


def statuspage_feed(first: int = 0, items: int = ITEMS) -> bytes:
    """An Atom document of Statuspage, each incident with a timeline of three updates."""
    newest = first + items - 1
    timelines = [_timeline(number) for number in range(newest, first - 1, -1)]
    return statuspage(*timelines, built=minute(60 * newest + 40)).encode()


def _timeline(number: int) -> Timeline:
    start = 60 * number
    updates = [
        ("Resolved", _message(number, 60), minute(start + 40)),
        ("Monitoring", _message(number + 1, 60), minute(start + 20)),
        ("Investigating", _message(number + 2, 60), minute(start)),
    ]
    return Timeline(number, title=f"Queue workers are slow, number {number}", updates=updates)


def summary() -> bytes:
    """What Statuspage's summary.json says on a good day, for peers that ask for that."""
    component = {"status": "operational", "description": None, "group": False, "showcase": True}
    components = [
        {"id": f"c{number}", "name": f"Component {number}", "position": number, **component}
        for number in range(25)
    ]
    page = {"id": "p1", "name": "Example", "url": "https://status.example.test"}
    status = {"indicator": "none", "description": "All Systems Operational"}
    return json.dumps(
        {
            "page": page,
            "status": status,
            "components": components,
            "incidents": [],
            "scheduled_maintenances": [],
        }
    ).encode()
