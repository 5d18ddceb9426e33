"""Lives on platforms that drop an incident when it ends, and say so in no other way."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.feeds import minute
from tests.lives.building import Life, item, rss

LOOK, FIX = "We look.", "A fix is live."
NEXT_MONTH = timedelta(days=40)


def _azure() -> Life:
    """The slug returns with a later event; an event that stays on over midnight is the same one."""
    head = "<title>Azure Status</title><link>https://azure.status.microsoft/en-us/status/</link>"

    def event(text: str, time: datetime) -> str:
        date = f"{time:%a, %d %b %Y %H:%M:%S} Z"
        return item("Doors", text, id_="doors", link="http://x.test", date=date, categories=["UK"])

    quiet = rss(head=head)
    later = event(LOOK, minute(0) + NEXT_MONTH)
    night = timedelta(hours=17)
    return Life("Azure", "azure-rss", [
        (quiet, []),
        (rss(event(LOOK, minute(1)), head=head), [("new", "doors@2026-03", "investigating", LOOK)]),
        (rss(event(FIX, minute(1) + night), head=head),
         [("update", "doors@2026-03", "investigating", FIX)]),
        (quiet, [("resolved", "doors@2026-03", "resolved", "")]),
        (quiet.replace("</channel>", " </channel>"), []),
        (rss(later, head=head), [("new", "doors@2026-04", "investigating", LOOK)]),
        (quiet, [("resolved", "doors@2026-04", "resolved", "")]),
    ])  # fmt: skip


def _meta() -> Life:
    head = "<title>Grain API Status</title><link>https://metastatus.com/grain-api</link>"
    one = item(
        "Disruptions", LOOK, id_="outage-17", link="https://metastatus.com/x", date=minute(1)
    )
    two = item("Outage", FIX, id_="outage-18", link="https://metastatus.com/x", date=minute(5))
    quiet = rss(head=head)
    return Life("Meta", "meta-rss", [
        (rss(one, head=head), [("new", "outage-17", "investigating", LOOK)]),
        (rss(two, one, head=head), [("new", "outage-18", "investigating", FIX)]),
        (rss(two, head=head), [("resolved", "outage-17", "resolved", "")]),
        (quiet, [("resolved", "outage-18", "resolved", "")]),
    ])  # fmt: skip


def _kuma() -> Life:
    """A guid for every heartbeat, a guid for every edit; what is over vanishes."""
    head = (
        "<title>Example RSS Feed</title><link>https://kuma.example.test/status/main</link>"
        "<description>Current status: Degraded Service</description>"
    )
    link = "https://kuma.example.test/status/main"

    def down(number: int, name: str, time: datetime) -> str:
        text = f"{name} has been down since {time:%Y-%m-%d %H:%M:%S} UTC"
        id_ = f"{number}-{time:%Y-%m-%d %H:%M:%S}"
        return item(f"{name} is down", text, id_=id_, link=link, date=time)

    def announced(text: str, time: datetime) -> str:
        return item("We move", text, id_=f"i3-{time:%Y-%m-%d %H:%M:%S}", link=link, date=time)

    mill = [down(12, "Mill", minute(n)) for n in range(9)]
    return Life("Uptime Kuma", "kuma-rss", [
        (rss(head=head), []),
        (rss(mill[1], head=head), [("new", "12", "investigating", "Mill is down")]),
        (rss(mill[2], head=head), []),
        (rss(mill[3], head=head), []),
        (rss(announced(LOOK, minute(3)), mill[4], head=head), [("new", "i3", "investigating", LOOK)]),
        (rss(announced(FIX, minute(5)), mill[5], head=head),
         [("update", "i3", "investigating", FIX)]),
        (rss(announced(FIX, minute(6)), head=head), [("resolved", "12", "resolved", "")]),
        (rss(head=head), [("resolved", "i3", "resolved", "")]),
    ])  # fmt: skip


LIVES = [_azure(), _meta(), _kuma()]
