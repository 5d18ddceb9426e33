"""Lives of vendors with a platform of their own, where an item is an incident."""

from __future__ import annotations

from datetime import datetime

from tests.feeds import minute
from tests.lives.building import Life, atom, entry, item, rfc822, rss, small

LOOK, FIX, OK = "We look.", "A fix is live.", "It works."


def _slack() -> Life:
    """No states; a new note is an update, an edit ten days later is not, whatever `updated` says."""
    head = "<id>https://status.slack.com</id><title>Slack System Status</title>"

    def page(updated: datetime, *notes: tuple[str, str], title: str = "Incident: Threads") -> str:
        html = "".join(f"<p><small>{when} UTC</small> {text}</p>" for when, text in notes)
        id_ = "https://slack-status.com/2026-03/a8c230d2dfa1ac93"
        return atom(entry(title, html, id_=id_, published=minute(0), updated=updated), head=head)

    one, two, three = ("9:00am", LOOK), ("9:30am", FIX), ("9:30am", "We watch.")
    tail = "a8c230d2dfa1ac93"
    return Life("Slack", "slack-atom", [
        (page(minute(0), one), [("new", tail, "unknown", LOOK)]),
        (page(minute(30), one, two), [("update", tail, "unknown", FIX)]),
        (page(minute(31), one, two), []),
        (page(minute(32), one, two, three), [("update", tail, "unknown", "We watch.")]),
        (page(minute(14_400), one, two, ("9:30am", "We watch it.")), []),
        (page(minute(0), one), []),  # an edge that lags
    ])  # fmt: skip


def _slack_rss() -> Life:
    head = "<title>Slack System Status</title><link>https://slack-status.com</link>"
    id_ = "https://slack-status.com/2026-03/a8c230d2dfa1ac93"

    def page(text: str, time: datetime) -> str:
        return rss(item("Outage: Threads", text, id_=id_, date=time), head=head)

    return Life("Slack, RSS", "slack-rss", [
        (page(LOOK, minute(1)), [("new", "a8c230d2dfa1ac93", "unknown", LOOK)]),
        (page(LOOK, minute(4)), []),
        (page("A summary.", minute(9)), [("update", "a8c230d2dfa1ac93", "unknown", "A summary.")]),
    ])  # fmt: skip


def _okta() -> Life:
    """The title is a category, and says when it is over."""
    head = "<id>http://status.okta.com/services/xml/OktaTrustRSS</id><title>Okta Status</title>"

    def page(title: str, text: str, time: datetime) -> str:
        id_ = "https://www.salesforce.com/a9C1"
        return atom(entry(title, text, id_=id_, updated=time), head=head)

    return Life("Okta", "okta-atom", [
        (page("Service Disruption", LOOK, minute(1)), [("new", "a9C1", "investigating", LOOK)]),
        (page("Service Disruption", FIX, minute(5)), [("update", "a9C1", "investigating", FIX)]),
        (page("Resolved Service Disruption", OK, minute(9)), [("resolved", "a9C1", "resolved", OK)]),
    ])  # fmt: skip


def _oci() -> Life:
    head = "<title>Status</title><link>https://ocistatus.oraclecloud.com/</link>"

    def page(*updates: tuple[str, str, datetime]) -> str:
        html = "".join(
            f"<p>{small(time)}<br><strong>{state}</strong> - {text}</p>"
            for state, text, time in updates
        )
        id_ = "ocid1.oraclecloudincident.oc1.phx.aaaa"
        link = f"https://ocistatus.oraclecloud.com/#/incidents/{id_}"
        title = "Mill | UK South | ab12"
        return rss(item(title, html, id_=id_, link=link, date=updates[0][2]), head=head)

    one, done = ("Identified", LOOK, minute(1)), ("Resolved", OK, minute(9))
    two = ("Identified", FIX, minute(5))
    tail = "ocid1.oraclecloudincident.oc1.phx.aaaa"
    return Life("Oracle", "oci-rss", [
        (page(one), [("new", tail, "identified", LOOK)]),
        (page(two, one), [("update", tail, "identified", FIX)]),
        (page(done, two, one), [("resolved", tail, "resolved", OK)]),
    ])  # fmt: skip


def _xai() -> Life:
    """The date of the item never moves; the updates have their own."""
    head = "<title>xAI System Status</title><link>https://status.x.ai</link>"

    def page(state: str, *updates: tuple[str, datetime], ended: str = "") -> str:
        html = f"<h3>Status: {state}</h3><p>Severity: major_outage</p>{ended}" + "".join(
            f"<p><strong>{rfc822(time)}</strong></p><p>{text}</p>" for text, time in updates
        )
        link = "https://status.x.ai/api/INC1"
        words = ["major_outage", state.lower()]
        return rss(
            item("[API] Down", html, id_="INC1", link=link, date=minute(0), categories=words),
            head=head,
        )

    one, two, done = (LOOK, minute(1)), ("Still.", minute(5)), (OK, minute(9))
    end = f"<p>Resolved: {rfc822(minute(9))}</p>"
    return Life("xAI", "xai-rss", [
        (page("INVESTIGATING", one), [("new", "INC1", "investigating", LOOK)]),
        (page("INVESTIGATING", two, one), [("update", "INC1", "investigating", "Still.")]),
        (page("RESOLVED", done, two, one, ended=end), [("resolved", "INC1", "resolved", OK)]),
    ])  # fmt: skip


def _paypal() -> Life:
    """A maintenance: announced, moved, begun, done; the title has the newest heading."""
    head = "<title>PayPal Status</title><link>https://www.paypal-status.com</link>"

    def page(*updates: tuple[str, str, datetime]) -> str:
        html = "".join(
            f"<br /><strong>{heading}: </strong> <p>{text}</p><br />{small(time)}<br />"
            for heading, text, time in updates
        )
        id_ = "https://www.paypal-status.com/incident/production/7"
        title = f"{updates[0][0]}: Maintenance of wallets"
        return rss(item(title, html, id_=id_, date=updates[0][2]), head=head)

    one = ("Initial Notification", "On Sunday.", minute(1))
    two = ("Postponed", "On Monday.", minute(5))
    three = ("Update", "It has begun.", minute(7))
    done = ("Completed", "It is done.", minute(9))
    return Life("PayPal", "paypal-rss", [
        (page(one), [("new", "7", "scheduled", "On Sunday.")]),
        (page(two, one), [("update", "7", "scheduled", "On Monday.")]),
        (page(three, two, one), [("update", "7", "scheduled", "It has begun.")]),
        (page(done, three, two, one), [("resolved", "7", "completed", "It is done.")]),
    ])  # fmt: skip


def _heroku() -> Life:
    head = "<id>https://status.heroku.com/feed</id><title>Heroku Status</title>"

    def page(title: str, html: str, time: datetime) -> str:
        id_ = "https://status.heroku.com/incidents/4"
        return atom(entry(title, html, id_=id_, updated=time), head=head)

    one, done = "<p>We look.</p>", "<p>It works.</p><p>We look.</p>"
    both = "It works.\nWe look."
    return Life("Heroku", "heroku-atom", [
        (page("Investigating: Routing", one, minute(1)), [("new", "4", "investigating", LOOK)]),
        (page("Investigating: Routing", one, minute(2)), []),
        (page("Resolved: Routing", done, minute(9)), [("resolved", "4", "resolved", both)]),
    ])  # fmt: skip


LIVES = [_slack(), _slack_rss(), _okta(), _oci(), _xai(), _paypal(), _heroku()]
