"""Lives on platforms where an item is an incident and grows, or is replaced, in place."""

from __future__ import annotations

from datetime import datetime

from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.lives.building import Life, Told, atom, entry, item, rss, small

LOOK, FIX, OK = "We look.", "A fix is live.", "It works."
PAGE = "https://status.example.test"


def _incidentio() -> Life:
    one = Report("AAA", at=minute(1), message=LOOK)
    two = Report("AAA", state="Monitoring", message=FIX, at=minute(5))
    two_permuted = Report("AAA", state="Monitoring", message=FIX, at=minute(5), components=())
    done = Report("AAA", state="Resolved", message=OK, at=minute(9))
    return Life("incident.io", "incidentio-rss", [
        (incidentio(one), [("new", "AAA", "investigating", LOOK)]),
        (incidentio(two), [("update", "AAA", "monitoring", FIX)]),
        (incidentio(two_permuted, built=minute(6)), []),
        (incidentio(one), []),  # an edge that lags
        (incidentio(done), [("resolved", "AAA", "resolved", OK)]),
    ])  # fmt: skip


def _statuspage() -> Life:
    one = [("Investigating", LOOK, minute(1))]
    two = [("Update", "Still.", minute(5)), *one]
    done = [("Resolved", OK, minute(9)), *two]
    return Life("Statuspage", "statuspage-atom", [
        (statuspage(Timeline(1, updates=one)), [("new", "1", "investigating", LOOK)]),
        (statuspage(Timeline(1, updates=two)), [("update", "1", "investigating", "Still.")]),
        (statuspage(Timeline(1, updates=two), built=minute(7)), []),
        (statuspage(Timeline(1, updates=done)), [("resolved", "1", "resolved", OK)]),
    ])  # fmt: skip


def _instatus() -> Life:
    """The date never moves and the duration grows: only the text tells."""
    head = f"<title>Example Status - Incident history</title><link>{PAGE}</link>"

    def page(duration: int, *steps: str) -> str:
        text = (
            f"\n  Type: Incident\n  Duration: {duration} minutes\n\n"
            f"  Affected Components: API\n  {' '.join(steps)} \n"
        )
        return rss(item("Logins fail", text, id_=f"{PAGE}/incident/cm1", date=minute(0)), head=head)

    one = "Mar 4, 09:00:00 GMT+0 - Investigating - We look."
    two = "Mar 4, 09:20:05 GMT+0 - Monitoring - A fix - at last -\n is live."
    done = "Mar 4, 09:46:05 GMT+0 - Resolved - It works."
    return Life("Instatus", "instatus-rss", [
        (rss(head=head), []),
        (page(1, one), [("new", "cm1", "investigating", LOOK)]),
        (page(2, one), []),
        (page(3, one), []),
        (page(20, one, two), [("update", "cm1", "monitoring", "A fix - at last - is live.")]),
        (page(46, one, two, done), [("resolved", "cm1", "resolved", OK)]),
        (page(46, one, two), []),  # an edge that lags
    ])  # fmt: skip


def _onlineornot() -> Life:
    """The date is the start; the newest update is all there is, and may have no time."""
    head = "<title>Example Status - Incident History</title><link>status.example.test</link>"

    def page(state: str, text: str, time: datetime | None) -> str:
        when = f"<p>{small(time)}<br/>" if time else "<p>"
        html = f"{when}<strong>{state}</strong> - <p>{text}</p></p>"
        id_ = "status.example.test/incidents/a1"
        impact = ["major_outage", state.lower()]
        return rss(item("Outage", html, id_=id_, date=minute(0), categories=impact), head=head)

    return Life("OnlineOrNot", "onlineornot-rss", [
        (page("INVESTIGATING", LOOK, minute(0)), [("new", "a1", "investigating", LOOK)]),
        (page("INVESTIGATING", "Still.", minute(4)), [("update", "a1", "investigating", "Still.")]),
        (page("MONITORING", FIX, None), [("update", "a1", "monitoring", FIX)]),
        (page("MONITORING", "We watch.", None), [("update", "a1", "monitoring", "We watch.")]),
        (page("RESOLVED", OK, minute(9)), [("resolved", "a1", "resolved", OK)]),
    ])  # fmt: skip


def _openstatus() -> Life:
    """Oldest first, and every date is that of the rendering."""
    head = f"<title>Example</title><link>{PAGE}</link><generator>OpenStatus - x</generator>"

    def report(number: int, state: str, text: str, time: datetime) -> str:
        id_ = f"{PAGE}/events/report/{number}"
        return item(f"{state} - Slow {number}", text, id_=id_, date=time)

    def page(time: datetime, *reports: tuple[int, str, str]) -> str:
        return rss(*(report(*each, time) for each in reports), head=head)

    old = (1, "Resolved", "Resolved: It works.\n\nInvestigating: We look.")
    one = (2, "Investigating", "Investigating: We look.")
    two = (2, "Monitoring", "Monitoring: A fix is live.\n\nInvestigating: We look.")
    done = (2, "Resolved", f"Resolved: It works.\n\n{two[2]}")
    return Life("OpenStatus", "openstatus-rss", [
        (page(minute(0), old), [("new", "1", "resolved", OK)]),
        (page(minute(1), old, one), [("new", "2", "investigating", LOOK)]),
        (page(minute(2), old, one), []),
        (page(minute(3), old, two), [("update", "2", "monitoring", FIX)]),
        (page(minute(4), old, two), []),
        (page(minute(5), old, done), [("resolved", "2", "resolved", OK)]),
    ])  # fmt: skip


def _cstate() -> Life:
    """The date is the creation; the end is a category, whatever the language of the title."""
    head = f"<title>Example</title><link>{PAGE}</link><generator>github.com/cstate</generator>"

    def page(title: str, html: str, ended: str = "") -> str:
        id_ = f"{PAGE}/issues/a/"
        return rss(item(title, html, id_=id_, date=minute(0), categories=[ended]), head=head)

    one = "<p><em>Investigating</em> - We look.</p>"
    two = f"<p><em>Monitoring</em> - A fix is live.</p>{one}"
    texts = "Investigating - We look.", "Monitoring - A fix is live.\nInvestigating - We look."
    return Life("cState", "cstate-rss", [
        (page("Mill", one), [("new", "a/", "investigating", texts[0])]),
        (page("Mill", two), [("update", "a/", "monitoring", texts[1])]),
        (page("Mill!", two), []),  # another title is an edit
        (page("[Vyřešeno] Mill", two, "2026-03-04 10:00:00 +0000 UTC"),
         [("resolved", "a/", "resolved", texts[1])]),
    ])  # fmt: skip


def _cachet() -> Life:
    """Nothing says that it is over; a text that grew is an update, one that was reworded is not."""
    head = f"<title>Example</title><link>{PAGE}</link><description>Status Feed</description>"

    def page(text: str) -> str:
        html = text.replace("\n", "<br>")
        return rss(
            item("Mail is late", html, id_=f"{PAGE}/incidents/12", date=minute(0)), head=head
        )

    more = "We look.\nIt works."
    return Life("Cachet", "cachet-rss", [
        (page(LOOK), [("new", "12", "unknown", LOOK)]),
        (page("We have a look."), []),
        (page(more), [("update", "12", "unknown", more)]),
    ])  # fmt: skip


def _kener() -> Life:
    """Only the latest comment; a maintenance is dated at its start, which is to come."""
    head = (
        f"<title>Example — Incidents &amp; Maintenance</title><link>{PAGE}</link>"
        "<description>Latest incidents and scheduled maintenance for Example</description>"
    )

    def incident(state: str, text: str, time: datetime) -> str:
        body = f"Status: {state}\nAffected: API\n\n{text}"
        return item("[Incident] Slow", body, id_="incident-7", date=time, link=f"{PAGE}/i/7")

    def works(state: str) -> str:
        body = f"Status: {state}\nScheduled: a → b\n\nNew disks."
        id_ = "maintenance-2"
        return item("[Maintenance] Disks", body, id_=id_, date=minute(9_000), link=f"{PAGE}/m/2")

    soon = works("SCHEDULED")
    two = incident("MONITORING", FIX, minute(5))
    return Life("Kener", "kener-rss", [
        (rss(head=head), []),
        (rss(soon, head=head), [("new", "maintenance-2", "scheduled", "New disks.")]),
        (rss(soon, incident("INVESTIGATING", LOOK, minute(1)), head=head),
         [("new", "incident-7", "investigating", LOOK)]),
        (rss(soon, two, head=head), [("update", "incident-7", "monitoring", FIX)]),
        (rss(works("ONGOING"), two, head=head),
         [("update", "maintenance-2", "in_progress", "New disks.")]),
        (rss(works("COMPLETED"), incident("RESOLVED", OK, minute(9)), head=head), [
            ("resolved", "incident-7", "resolved", OK),
            ("resolved", "maintenance-2", "completed", "New disks."),
        ]),
    ])  # fmt: skip


def _statuspal() -> Life:
    head = f"<title>Example</title><link>{PAGE}</link>"

    def page(*updates: tuple[str, str, datetime]) -> str:
        html = "<p><strong>Minor incident</strong> - AB-VIE-1</p>" + "".join(
            f"<p>{small(time)}<br><strong>{state}</strong> - {text}</p>"
            for state, text, time in updates
        )
        id_ = f"{PAGE}/incidents/3"
        return rss(item("Disks", html, id_=id_, date=updates[0][2]), head=head)

    one = ("Investigating", LOOK, minute(1))
    two = ("Started", FIX, minute(5))
    return Life("Statuspal", "statuspal-rss", [
        (page(one), [("new", "3", "investigating", LOOK)]),
        (page(two, one), [("update", "3", "in_progress", FIX)]),
        (page(("Resolved", OK, minute(9)), two, one), [("resolved", "3", "resolved", OK)]),
    ])  # fmt: skip


def _statuscast() -> Life:
    head = f"<title>Example Status</title><link>{PAGE}</link>"

    def page(label: str, text: str, time: datetime) -> str:
        title = f"[Example Status] {label}: Mail"
        return rss(item(title, text, id_=f"{PAGE}/incident/3", date=time), head=head)

    return Life("StatusCast", "statuscast-rss", [
        (page("Notice", LOOK, minute(1)), [("new", "3", "unknown", LOOK)]),
        (page("Notice", FIX, minute(5)), [("update", "3", "unknown", FIX)]),
        (page("Resolved", OK, minute(9)), [("resolved", "3", "resolved", OK)]),
    ])  # fmt: skip


def _generic() -> Life:
    head = f"<id>{PAGE}</id><title>Example news</title>"

    def page(title: str, text: str, time: datetime) -> str:
        return atom(entry(title, text, id_="urn:1", updated=time), head=head)

    told: list[Told] = [("resolved", "urn:1", "resolved", OK)]
    return Life("any feed", "generic-atom", [
        (page("[Identified] Slow", LOOK, minute(1)), [("new", "urn:1", "identified", LOOK)]),
        (page("[Identified] Slow", FIX, minute(5)), [("update", "urn:1", "identified", FIX)]),
        (page("[Resolved] Slow", OK, minute(9)), told),
    ])  # fmt: skip


LIVES = [
    _incidentio(), _statuspage(), _instatus(), _onlineornot(), _openstatus(), _cstate(), _cachet(),
    _kener(), _statuspal(), _statuscast(), _generic(),
]  # fmt: skip
