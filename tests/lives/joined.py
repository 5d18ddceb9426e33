"""Lives on platforms where an item is an update."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.feeds import minute
from tests.lives.building import Life, atom, entry, item, rss

LOOK, FIX, OK = "We look.", "A fix is live.", "It works."
PAGE = "https://status.example.test"


def _aws() -> Life:
    """A guid an update; a later event of the same service has the same key."""
    root = "https://status.aws.amazon.com/"
    head = "<title>All</title><generator>AWS Service Health Dashboard RSS Generator</generator>"

    def update(service: str, title: str, text: str, time: datetime) -> str:
        id_ = f"{root}#{service}_{int(time.timestamp())}"
        pacific = time.astimezone(timezone(timedelta(hours=-8), "PST"))
        return item(title, text, id_=id_, date=f"{pacific:%a, %d %b %Y %H:%M:%S %Z}", link=root)

    one = update("mill-us-west-2", "Service impact: Slow", LOOK, minute(1))
    two = update("mill-us-west-2", "Service impact: Slow", FIX, minute(5))
    other = update("granary-eu-west-1", "Informational message: Late", LOOK, minute(6))
    done = update("mill-us-west-2", "Service is operating normally: [RESOLVED] Slow", OK, minute(9))
    both = update("granary-eu-west-1", "Informational message: Late", "Still.", minute(8))
    edited = update("mill-us-west-2", "Service impact: Slow", "We have a look.", minute(1))
    again = update("mill-us-west-2", "Service disruption: Down", "It is down.", minute(600))
    still = update("mill-us-west-2", "Service disruption: Down", "Still.", minute(610))
    over = update("mill-us-west-2", "Informational message: [RESOLVED] Down", OK, minute(620))
    mill, granary = "#mill-us-west-2", "#granary-eu-west-1"
    return Life("AWS", "aws-rss", [
        (rss(head=head), []),
        (rss(one, head=head), [("new", mill, "investigating", LOOK)]),
        (rss(two, one, head=head), [("update", mill, "investigating", FIX)]),
        (rss(one, head=head), []),  # an edge that lags
        (rss(other, two, one, head=head), [("new", granary, "investigating", LOOK)]),
        (rss(done, both, other, two, one, head=head), [
            ("update", granary, "investigating", "Still."),
            ("resolved", mill, "resolved", OK),
        ]),
        (rss(done, both, head=head), []),  # the window moved on
        (rss(edited, head=head), []),  # an edge that lags, and an old update reworded in it
        (rss(again, done, head=head), [("update", mill, "investigating", "It is down.")]),
        (rss(over, still, again, head=head), [("resolved", mill, "resolved", OK)]),  # two at once
    ])  # fmt: skip


def _gcp() -> Life:
    """A first report, updates, and more words after the end."""
    head = f"<title>Example Service Health Updates</title><id>{PAGE}/</id>"

    def update(number: int, title: str, text: str) -> str:
        id_ = f"tag:status.example.test,2026:feed:AbCd.U{number}"
        html = f"<p>{text}</p><hr><p>Affected products: Batch</p>"
        return entry(title, html, id_=id_, updated=minute(number), link=f"{PAGE}/incidents/AbCd")

    one, two = update(1, "Slow", LOOK), update(5, "UPDATE: Slow", FIX)
    done = update(9, "RESOLVED: Slow", OK)
    more = update(900, "RESOLVED: Slow", "A mini report.")
    last = [update(920, "RESOLVED: Slow", "A report."), update(910, "RESOLVED: Slow", "Soon.")]
    return Life("Google", "gcp-atom", [
        (atom(one, head=head), [("new", "AbCd", "investigating", LOOK)]),
        (atom(two, one, head=head), [("update", "AbCd", "investigating", FIX)]),
        (atom(done, two, one, head=head), [("resolved", "AbCd", "resolved", OK)]),
        (atom(two, one, head=head), []),  # an edge that lags
        (atom(more, done, two, one, head=head), [("update", "AbCd", "resolved", "A mini report.")]),
        (atom(*last, more, done, head=head), [("update", "AbCd", "resolved", "A report.")]),
    ])  # fmt: skip


def _gcp_met_late() -> Life:
    """At first contact the many updates of one incident are one event, and old ones are silent."""
    head = f"<title>Example Service Health Updates</title><id>{PAGE}/</id>"

    def update(incident: str, number: int, title: str) -> str:
        id_ = f"tag:status.example.test,2026:feed:{incident}.U{number}"
        link = f"{PAGE}/incidents/{incident}"
        return entry(title, f"Text {number}", id_=id_, updated=minute(number), link=link)

    old = [update("Old", 2, "RESOLVED: Old"), update("Old", 1, "Old")]
    older = [update("Older", -8, "RESOLVED: Older"), update("Older", -9, "Older")]
    new = [update("New", 5, "UPDATE: New"), update("New", 4, "New")]
    last = update("Older", 9, "RESOLVED: Older")
    return Life("Google, met late", "gcp-atom", [
        (atom(*new, *old, *older, head=head), [
            ("new", "Old", "resolved", "Text 2"),
            ("new", "New", "investigating", "Text 5"),
        ]),
        (atom(last, *new, *old, *older, head=head), [("update", "Older", "resolved", "Text 9")]),
    ])  # fmt: skip


def _statusio() -> Life:
    """A guid an update or one for all, nobody knows: here they alternate."""
    page = "54f0de009d6f51e7140002b7"
    head = f"<title>Example</title><link>{PAGE}/pages/{page}</link><description>Status Feed</description>"

    def update(state: str, text: str, number: int) -> str:
        link = f"{PAGE}/pages/incident/{page}/65e5a1b2c3d4e5f6a7b8c9d0"
        id_ = f"{link}#{number}" if number % 2 else link
        html = f"<strong>{state}</strong> - {text}"
        return item("Jobs are late", html, id_=id_, link=link, date=minute(number))

    one, two = update("Investigating", LOOK, 1), update("Monitoring", FIX, 4)
    done = update("Resolved", OK, 9)
    wait, still = update("Monitoring", "We watch.", 6), update("Monitoring", "Still.", 5)
    tail = "65e5a1b2c3d4e5f6a7b8c9d0"
    return Life("Status.io", "statusio-rss", [
        (rss(head=head), []),
        (rss(one, head=head), [("new", tail, "investigating", LOOK)]),
        (rss(two, one, head=head), [("update", tail, "monitoring", FIX)]),
        (rss(wait, still, two, one, head=head), [("update", tail, "monitoring", "We watch.")]),
        (rss(done, two, one, head=head), [("resolved", tail, "resolved", OK)]),
    ])  # fmt: skip


def _betterstack() -> Life:
    """A pair with one guid; a report with one guid an update; both at the same time."""
    head = f"<title>Incidents | Example</title><link>{PAGE}/</link>"

    def date(time: datetime) -> str:
        return f"{time:%a, %d %b %Y %H:%M:%S} -0000"

    def monitor(name: str, happened: str, hash_: str, time: datetime) -> str:
        title = f"{name} {happened}"
        return item(title, "", id_=f"{PAGE}/#{hash_}", link=f"{PAGE}/", date=date(time))

    def report(update: str, text: str, time: datetime, title: str = "Delays") -> str:
        link = f"{PAGE}/incident/123"
        return item(title, text, id_=f"{link}#{update}", link=link, date=date(time))

    down = monitor("API", "went down", "9f0c", minute(1))
    up = monitor("API", "recovered", "9f0c", minute(4))
    down_again = monitor("API", "went down", "9f0d", minute(20))
    r1, r2 = report("u-1", LOOK, minute(2)), report("u-2", FIX, minute(6))
    r3 = report("u-3", OK, minute(9), "[Resolved] Delays")
    r4, r5 = report("u-4", "Again.", minute(30)), report("u-5", "Once more.", minute(31))
    tail = "#9f0c"
    return Life("Better Stack", "betterstack-rss", [
        (rss(head=head), []),
        (rss(down, head=head), [("new", tail, "investigating", "API went down")]),
        (rss(r1, down, head=head), [("new", "123", "unknown", LOOK)]),
        (rss(up, r1, down, head=head), [("resolved", tail, "resolved", "API recovered")]),
        (rss(r1, down, head=head), []),  # an edge that lags
        (rss(r2, up, r1, down, head=head), [("update", "123", "unknown", FIX)]),
        (rss(r3, r2, up, r1, down, head=head), [("resolved", "123", "resolved", OK)]),
        (rss(down_again, r3, r2, up, r1, down, head=head),
         [("new", "#9f0d", "investigating", "API went down")]),
        (rss(r5, r4, down_again, r3, head=head), [("update", "123", "unknown", "Once more.")]),
    ])  # fmt: skip


def _betterstack_met_late() -> Life:
    """A pair that is over when the page is met is one event, not two and not half of one."""
    head = f"<title>Incidents | Example</title><link>{PAGE}/</link>"
    root = f"{PAGE}/"
    up = item("API recovered", "", id_=f"{root}#9f0c", link=root, date=minute(4))
    down = item("API went down", "", id_=f"{root}#9f0c", link=root, date=minute(1))
    return Life("Better Stack, met late", "betterstack-rss", [
        (rss(up, down, head=head), [("new", "#9f0c", "resolved", "API recovered")]),
    ])  # fmt: skip


def _checkly() -> Life:
    """One guid for all updates; the same words twice are no news, and hide nothing below them."""
    head = f"<title>Example Status Page</title><link>{PAGE}</link>"

    def update(id_: str, state: str, text: str, time: datetime) -> str:
        html = f"Status: {state}<br/>{text}<br/><br/>Affected services<ul><li>API</li></ul>"
        return item("API degraded", html, id_=f"{PAGE}/incident/{id_}", date=time)

    one = update("4c85", "Investigating", LOOK, minute(1))
    two = update("4c85", "Investigating", "Still.", minute(3))
    same = update("4c85", "Investigating", LOOK, minute(5))
    other = update("5c85", "Identified", FIX, minute(4))
    done = update("4c85", "Resolved", OK, minute(5) + timedelta(seconds=47))
    tried, gone = (
        update("5c85", "Monitoring", "We watch.", minute(7)),
        update("5c85", "Resolved", OK, minute(8)),
    )
    return Life("Checkly", "checkly-rss", [
        (rss(one, head=head), [("new", "4c85", "investigating", LOOK)]),
        (rss(two, one, head=head), [("update", "4c85", "investigating", "Still.")]),
        (rss(same, other, two, one, head=head), [("new", "5c85", "identified", FIX)]),
        (rss(done, same, other, two, one, head=head), [("resolved", "4c85", "resolved", OK)]),
        (rss(gone, tried, done, other, head=head), [("resolved", "5c85", "resolved", OK)]),
    ])  # fmt: skip


LIVES = [
    _aws(), _gcp(), _gcp_met_late(), _statusio(), _betterstack(), _betterstack_met_late(),
    _checkly(),
]  # fmt: skip
