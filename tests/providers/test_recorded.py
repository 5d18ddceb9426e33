"""Real documents are read as a person reads them.

The recordings are not part of the repository; where they are missing this is skipped.  The table
was written from the documents: the headings and times they show, not what the code makes of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from efficient_status.models import Incident
from efficient_status.providers import read

ROOT = Path(__file__).parents[2] / "../shared/recorded"
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="the recordings are not here")


class Row(NamedTuple):
    """One incident: end of its id, state, newest update, start, components, number of updates."""

    id: str
    state: str
    updated: str
    started: str = ""
    components: str = ""
    updates: int | None = None


GITHUB = "statuspage_github_{}.atom"
NORTHFLANK = "instatus_northflank_history_2026-10.rss"
TABLE: dict[str, tuple[str, str, int, list[Row]]] = {
    "aws_athena-us-west-2_2025-06-13.rss": (
        "aws-rss",
        "Amazon Athena (Oregon)",
        1,
        [Row("#athena-us-west-2", "investigating", "2025-06-13 16:38:42", "2025-06-13 16:38:42", "athena-us-west-2")],
    ),
    "aws_connect-eu-west-2_empty_2025-06-13.rss": ("aws-rss", "Amazon Connect (London)", 0, []),
    "azure_quiet_2026-08-06.rss": ("azure-rss", "Azure", 0, []),
    "gcp_cloud_resolved_markup-unescaped_2025-06-13.atom": (
        "gcp-atom", "Google Cloud", 1, [Row("/incidents/ow5i3PPK96RduMcb1SsW", "resolved", "2025-06-13 06:34:31")],
    ),
    "gcp_cloud_resolved_then_update_2025-06-13.atom": (
        "gcp-atom", "Google Cloud", 1, [Row("/incidents/ow5i3PPK96RduMcb1SsW", "resolved", "2025-06-13 15:26:55")],
    ),
    "gcp_cloud_update_markup-unescaped_2025-06-13.atom": (
        "gcp-atom", "Google Cloud", 1, [Row("/incidents/ow5i3PPK96RduMcb1SsW", "investigating", "2025-06-13 01:27:32")],
    ),
    "incidentio_openai_feed_2025-10-20.rss": (
        "incidentio-rss",
        "OpenAI",
        3,
        [
            Row("//incidents/01K80CBJD5Z64DF82KGT3K3QE0", "monitoring", "2025-10-20 09:43:12", components="Login"),
            Row("//incidents/01K7JN4FF78DYA5RCVC1ABN55P", "resolved", "2025-10-15 01:25:56", components="Chat Completions, Responses"),
            Row("//incidents/01K782M5NJ351CQDEZATG3W3QP", "resolved", "2025-10-13 21:15:59", components="Fine-tuning"),
        ],
    ),
    "incidentio_openai_resolved_2025-06-13.atom": (
        "incidentio-atom", "OpenAI", 1, [Row("//incidents/01JXJPWKHTPB8Y3B6MBTCAE76X", "resolved", "2025-06-12 20:05:00")],
    ),
    "incidentio_openai_trimmed_2026-01.rss": (
        "incidentio-rss", "OpenAI", 1, [Row("//incidents/01KEDRBQ2A3Y9JJ7G3F3YM4KT3", "resolved", "2026-01-08 02:45:00", components="Images")],
    ),
    "incidentio_openai_trimmed_2026-02-22.atom": (
        "incidentio-atom",
        "OpenAI",
        2,
        [
            Row("//incidents/01KHYH2KT8VNWS146V0S09MF29", "resolved", "2026-02-20 22:44:27.567", components="Conversations"),
            Row("//incidents/01KHRP7P1JF885BYA8SDWBDBR1", "resolved", "2026-02-18 16:40:22.657", components="Video generation"),
        ],
    ),
    "incidentio_openai_trimmed_2026-09-03.atom": (
        "incidentio-atom",
        "OpenAI",
        2,
        [
            Row("//incidents/01M1KWEDH417T2CF44YYHZDFCR", "investigating", "2026-09-03 14:58:23.907", components="Search"),
            Row("//incidents/01M1K0", "resolved", "2026-09-02 10:00:00"),
        ],
    ),
    NORTHFLANK: (
        "instatus-rss",
        "Northflank",
        3,
        [
            Row("cmuh4kc8h00s013pih51rz3uf", "resolved", "2026-09-25 16:01:05", "2026-09-25 15:15:00", "Northflank App", 2),
            Row("cmtnae42b0e811no58822esum", "resolved", "2026-09-04 20:52:58", "2026-09-04 18:27:54", "Addons", 2),
            Row("cmsg4fvtt034m1ao3nowjoker", "resolved", "2026-08-05 14:27:54", "2026-08-05 13:27:13", "Addons, Jobs, Services", 3),
        ],
    ),
    "okta_okta_asa_issue_2025-06-19.atom": (
        "okta-atom", "Okta", 1, [Row("a9C4z000001BZi5EAG", "investigating", "2025-06-19 13:15:00")],
    ),
    "okta_okta_resolved_2025-06-19.atom": (
        "okta-atom", "Okta", 1, [Row("a9CKZ000000oLkp2AE", "resolved", "2025-06-19 16:47:04")],
    ),
    "okta_okta_service_disruption_2025-06-19.atom": (
        "okta-atom", "Okta", 1, [Row("a9CKZ000000oLkp2AE", "investigating", "2025-06-19 14:30:00")],
    ),
    "onlineornot_openrouter_shape_2026-09-03.rss": (
        "onlineornot-rss",
        "OpenRouter",
        2,
        [
            Row("status.openrouter.ai/incidents/incident-active", "monitoring", "2026-09-03 11:30:00", "2026-09-03 11:00:00"),
            Row("incident-long", "resolved", "2026-09-03 10:00:00", "2026-09-03 02:00:00"),
        ],
    ),
    "onlineornot_openrouter_trimmed_2026-03-12.rss": (
        "onlineornot-rss", "OpenRouter", 1, [Row("/incidents/lrkj1G0wmMoe", "resolved", "", "2026-02-19 16:38:24")],
    ),
    "slack_status_trimmed_2025-12.atom": (
        "slack-atom", "Slack", 1, [Row("a8c230d2dfa1ac93", "unknown", "2025-12-09 17:34:00", "2025-12-08 23:23:58", updates=2)],
    ),
    "slack_status_trimmed_2025-12.rss": (
        "slack-rss", "Slack", 1, [Row("a8c230d2dfa1ac93", "unknown", "2025-12-18 16:44:51")],
    ),
    "statuspage_claude_trimmed_2026-09-03.atom": (
        "statuspage-atom",
        "Claude",
        2,
        [
            Row("Incident/31343579", "investigating", "2026-09-03 14:49:48", "2026-09-03 14:49:00", updates=2),
            Row("Incident/31343296", "resolved", "2026-09-03 12:56:26", updates=2),
        ],
    ),
    "statuspage_cloudflare_maintenance_2025-06-19.atom": (
        "statuspage-atom", "Cloudflare", 1, [Row("Incident/25460322", "scheduled", "2025-06-12 23:01:07", "2025-07-03 03:00:00", updates=1)],
    ),
    "statuspage_genesys_history_2025-10-20.atom": (
        "statuspage-atom",
        "Genesys Cloud",
        5,
        [
            Row("Incident/26815638", "identified", "2025-10-20 09:35:05", "2025-10-20 09:35:00", updates=1),
            Row("Incident/26773717", "resolved", "2025-10-16 08:00:16", "2025-10-16 07:33:00", updates=3),
            Row("Incident/26762425", "resolved", "2025-10-15 22:19:49", "2025-10-15 10:14:00", updates=10),
            Row("Incident/26386558", "completed", "2025-10-10 21:30:23", "2025-10-10 20:30:00", updates=8),
            Row("Incident/26616245", "completed", "2025-10-10 07:00:21", "2025-10-10 06:00:00", updates=3),
        ],
    ),
    "statuspage_genesys_trimmed_2025-06-13.atom": (
        "statuspage-atom", "Genesys Cloud", 1, [Row("CX bot Integrations", "resolved", "2025-06-12 23:36:04", updates=1)],
    ),
    GITHUB.format("belowknown-before_2026-07-28_fa37b170"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/31013816", "resolved", "2026-07-27 19:37:37", "2026-07-27 19:31:00", updates=3),
            Row("Incident/31006582", "resolved", "2026-07-27 04:09:10", "2026-07-27 03:53:00", updates=3),
            Row("Incident/30993375", "resolved", "2026-07-25 13:13:21", "2026-07-25 12:31:00", updates=6),
        ],
    ),
    GITHUB.format("belowknown-after_2026-07-29_4dfe6cc8"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/31006582", "resolved", "2026-07-27 04:09:10", "2026-07-27 03:53:00", updates=3),
            Row("Incident/30993375", "resolved", "2026-07-25 13:13:21", "2026-07-25 12:31:00", updates=6),
            Row("Incident/30992214", "resolved", "2026-07-25 10:11:16", "2026-07-25 09:42:00", updates=4),
        ],
    ),
    GITHUB.format("edit-before_2026-08-04_197f85bd"): (
        "statuspage-atom", "GitHub", 25, [Row("Incident/31077734", "resolved", "2026-08-03 11:25:12", "2026-08-03 09:53:00", updates=5)],
    ),
    GITHUB.format("edit-after_2026-08-05_3aa621b7"): (
        "statuspage-atom", "GitHub", 25, [Row("Incident/31077734", "resolved", "2026-08-03 11:25:12", "2026-08-03 09:53:00", updates=5)],
    ),
    "statuspage_github_history_2022-03.rss": (
        "statuspage-rss",
        "GitHub",
        25,
        [
            Row("/incidents/fpk08rxnqjz2", "resolved", "2022-03-16 19:46:00", "2022-03-16 14:09:00", updates=8),
            Row("/incidents/xdzs70gjthls", "resolved", "2022-03-09 17:45:38", "2022-03-09 11:24:00", updates=3),
            Row("/incidents/416ft5p3mr89", "resolved", "2022-03-04 16:37:48", "2022-03-04 15:30:00", updates=2),
        ],
    ),
    GITHUB.format("latest_2026-08-22_79498869"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/31233568", "resolved", "2026-08-21 00:37:20", "2026-08-20 14:43:00", updates=12),
            Row("Incident/31199495", "resolved", "2026-08-18 11:42:59", "2026-08-18 07:40:00", updates=5),
            Row("Incident/31200202", "resolved", "2026-08-18 10:23:23", "2026-08-18 09:36:00", updates=2),
            Row("Incident/31193766", "resolved", "2026-08-17 21:15:46", "2026-08-17 13:40:00", updates=36),
        ],
    ),
    GITHUB.format("newupdate-before_2026-07-09_b88bb296"): (
        "statuspage-atom", "GitHub", 25, [Row("Incident/30837849", "investigating", "2026-07-09 06:01:43", "2026-07-09 04:34:00", updates=3)],
    ),
    GITHUB.format("newupdate-after_2026-07-10_ef6c8312"): (
        "statuspage-atom", "GitHub", 25, [Row("Incident/30837849", "resolved", "2026-07-09 13:52:16", "2026-07-09 04:34:00", updates=14)],
    ),
    GITHUB.format("scheduled-future-pinned_2025-05-28_27e250c6"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/25233647", "scheduled", "2025-05-22 15:26:24", "2025-05-28 16:30:00", updates=1),
            Row("Incident/25275516", "resolved", "2025-05-27 13:31:59", "2025-05-27 12:26:00", updates=4),
            Row("Incident/25275453", "resolved", "2025-05-27 12:41:24", "2025-05-27 12:20:00", updates=2),
            Row("Incident/25281050", "resolved", "2025-05-27 10:00:00", "2025-05-27 10:00:00", updates=1),
        ],
    ),
    GITHUB.format("whitespace-before_2026-05-22_722eba25"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/30221212", "resolved", "2026-05-20 20:14:16", "2026-05-20 16:58:00", updates=6),
            Row("Incident/30131939", "resolved", "2026-05-15 08:48:30", "2026-05-15 08:13:00", updates=7),
            Row("Incident/30126676", "resolved", "2026-05-15 02:30:00", "2026-05-15 02:30:00", updates=1),
        ],
    ),
    GITHUB.format("whitespace-after_2026-05-23_bb2f44d7"): (
        "statuspage-atom",
        "GitHub",
        25,
        [
            Row("Incident/30221212", "resolved", "2026-05-20 20:14:16", "2026-05-20 16:58:00", updates=6),
            Row("Incident/30131939", "resolved", "2026-05-15 08:48:30", "2026-05-15 08:13:00", updates=7),
            Row("Incident/30126676", "resolved", "2026-05-15 02:30:00", "2026-05-15 02:30:00", updates=1),
        ],
    ),
    "statuspage_staffbase_history_2021-12-24.rss": (
        "statuspage-rss",
        "Staffbase",
        2,
        [
            Row("/incidents/77004ltfxlkv", "resolved", "2021-12-23 09:30:37", "2021-12-22 10:12:00", updates=5),
            Row("/incidents/p3mdb34gmrx6", "resolved", "2021-12-20 08:42:32", "2021-12-17 12:38:00", updates=3),
        ],
    ),
    "statuspage_twilio_scheduled_2025-10-20.rss": (
        "statuspage-rss",
        "Twilio",
        2,
        [
            Row("/incidents/2v98q17wsch8", "scheduled", "2025-10-06 18:27:00", "2025-11-26 04:00:00", updates=1),
            Row("/incidents/95t2pyjhr9k5", "scheduled", "2025-10-16 19:19:00", "2025-11-04 08:00:00", updates=1),
        ],
    ),
    "xai_feed_shape_2026-09-03.xml": (
        "xai-rss",
        "xAI",
        2,
        [
            Row("INCactive", "investigating", "2026-09-03 11:40:00", "2026-09-03 11:00:00", "API", 1),
            Row("INCresolved", "resolved", "2026-09-03 10:30:00", "2026-09-03 09:30:00", "API"),
        ],
    ),
}  # fmt: skip


def utc(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@pytest.mark.parametrize("name", TABLE)
def test_recorded_document_is_read_as_a_person_reads_it(name: str) -> None:
    dialect, title, count, rows = TABLE[name]
    feed = read((ROOT / name).read_bytes())
    assert (feed.dialect, feed.title, len(feed.incidents)) == (dialect, title, count)
    assert feed.faults == ()
    for incident, row in zip(feed.incidents, rows, strict=False):
        assert incident.id.endswith(row.id)
        assert incident.state == row.state
        assert incident.updated_at == utc(row.updated)
        assert incident.started_at == utc(row.started)
        assert ", ".join(incident.components) == row.components
        assert incident.updates == row.updates
        assert incident.title
        assert incident.message
        assert "<" not in incident.message


def test_every_recorded_feed_is_in_the_table() -> None:
    recorded = {path.name for path in ROOT.iterdir() if path.suffix in (".rss", ".atom", ".xml")}
    assert recorded == set(TABLE)


def incidents(name: str) -> dict[str, Incident]:
    return {each.id: each for each in read((ROOT / GITHUB.format(name)).read_bytes()).incidents}


def changed(before: str, after: str) -> list[str]:
    """Ids that are in both recordings, and read differently in them."""
    old, new = incidents(before), incidents(after)
    return [id_ for id_ in new if id_ in old and look(old[id_]) != look(new[id_])]


def look(incident: Incident) -> tuple[object, ...]:
    return incident.title, incident.state, incident.message, incident.updated_at, incident.updates


def test_blanks_that_the_markup_gains_change_nothing_but_the_one_edit() -> None:
    pair = ("whitespace-before_2026-05-22_722eba25", "whitespace-after_2026-05-23_bb2f44d7")
    assert [id_.rpartition("/")[2] for id_ in changed(*pair)] == ["30221212"]


def test_incident_that_first_appears_below_known_ones_is_read() -> None:
    old = incidents("belowknown-before_2026-07-28_fa37b170")
    new = incidents("belowknown-after_2026-07-29_4dfe6cc8")
    place = {id_: n for n, id_ in enumerate(new)}
    below = [
        id_ for id_ in new if id_ not in old and place[id_] > min(place[k] for k in old if k in new)
    ]
    assert below


def test_new_updates_of_a_known_incident_are_seen() -> None:
    pair = ("newupdate-before_2026-07-09_b88bb296", "newupdate-after_2026-07-10_ef6c8312")
    assert "tag:www.githubstatus.com,2005:Incident/30837849" in changed(*pair)


def test_only_what_differs_between_two_recordings_is_read() -> None:
    before = (ROOT / GITHUB.format("edit-before_2026-08-04_197f85bd")).read_bytes()
    after = (ROOT / GITHUB.format("edit-after_2026-08-05_3aa621b7")).read_bytes()
    known = frozenset(mark for incident in read(before).incidents for mark in incident.marks)
    feed = read(after, known)
    assert 0 < len(feed.incidents) < 5
    assert len(feed.unchanged) + len(feed.incidents) == 25
