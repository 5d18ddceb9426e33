"""Real JSON documents are read as a person reads them.

The recordings are not part of the repository; where they are missing this is skipped.  The table
was written from the documents: the states and times they show, not what the code makes of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from efficient_status.providers import read


class Row(NamedTuple):
    """One incident: id, newest update, start, number of updates, components, impact."""

    id: str
    updated: str
    started: str
    updates: int
    components: int
    impact: str | None = None


class Recording(NamedTuple):
    """What one document is; every incident in all of them is resolved."""

    dialect: str
    title: str
    rows: list[Row]


GCP = "https://status.cloud.google.com/incidents.json"
TABLE = {
    "aws_legacy_data_trimmed_2022-07-03.json": Recording(
        "aws-json",
        "AWS",
        [
            Row("ec2-us-east-1_1650382771", "2022-04-19 18:30:31", "2022-04-19 15:39:31", 5, 1),
            Row("ec2-ap-southeast-1_1650969049", "2022-04-26 11:30:49", "2022-04-26 10:30:49", 2, 1),
            Row("redshift-us-east-1_1651071794", "2022-04-27 17:18:14", "2022-04-27 15:03:14", 4, 1),
            Row("ec2-ap-northeast-2_1651363256", "2022-05-01 01:00:56", "2022-05-01 00:00:56", 4, 1),
            Row("awsiot-us-west-2_1651634279", "2022-05-04 03:55:59", "2022-05-04 03:17:59", 3, 1),
            Row("apigateway-eu-west-1_1652721211", "2022-05-16 17:38:31", "2022-05-16 17:13:31", 3, 1),
            Row("elb-us-east-1_1652830549", "2022-05-18 00:39:49", "2022-05-17 23:35:49", 4, 1),
            Row("kinesis-eu-north-1_1652985887", "2022-05-19 19:08:47", "2022-05-19 18:44:47", 2, 1),
            Row("billingconsole_1653519230", "2022-05-25 22:53:50", "2022-05-25 22:53:50", 1, 1),
            Row("route53_1653618095", "2022-05-27 05:24:35", "2022-05-27 02:21:35", 5, 1),
            Row("elb-us-east-1_1654825968", "2022-06-10 04:58:48", "2022-06-10 01:52:48", 8, 1),
            Row("billingconsole_1655342154", "2022-06-16 01:53:54", "2022-06-16 01:15:54", 3, 1),
        ],
    ),
    "gcp_incidents_trimmed_2022-07-03.json": Recording(
        "gcp-json",
        "",
        [
            Row("TaA75H7XA1DQyM2ReK2f", "2022-07-01 19:25:45", "2022-07-01 13:37:44", 5, 1, "none"),
            Row("mDY7jN545et9XUV541MZ", "2022-07-01 02:15:28", "2022-06-30 18:12:00", 5, 2, "none"),
            Row("sPyYB214xAhqnoxNrrnW", "2022-06-30 18:13:17", "2022-06-29 20:54:00", 4, 1, "minor"),
            Row("V3AJNVDysYF1EXttKC3N", "2022-06-30 18:42:09", "2022-06-29 18:29:36", 8, 1, "none"),
            Row("pXUM8jeE61fpp3VXz5sr", "2022-06-28 17:04:11", "2022-06-28 16:08:29", 2, 2, "none"),
        ],
    ),
    "statuspage_emma_incidents_2019-02-21.json": Recording(
        "statuspage-json",
        "Emma",
        [
            Row("x0ljvc9m1wxj", "2019-02-20 19:40:58.572", "2019-02-20 18:00:19.418", 4, 0, "none"),
            Row("x9wt6q4wbbvn", "2019-02-18 13:56:37.241", "2019-02-18 13:28:41.270", 3, 2, "minor"),
            Row("v2j2ngg00rc3", "2019-01-25 16:58:48.623", "2019-01-25 15:36:07.727", 2, 1, "minor"),
            Row("xdy0j2vpfsss", "2018-12-12 18:46:22.550", "2018-12-12 18:23:35.028", 2, 1, "minor"),
            Row("407hb58lq8nq", "2018-11-02 18:40:15.859", "2018-11-02 14:42:00.645", 5, 2, "minor"),
            Row("gm8jc9315cyk", "2018-10-23 06:30:33.671", "2018-10-23 04:57:26.169", 4, 20, "major"),
            Row("z0b3kn6p6tgy", "2018-09-27 00:38:38.746", "2018-09-26 22:47:28.548", 3, 0, "none"),
            Row("3c9vy8mv1gd9", "2018-09-13 16:53:36.730", "2018-09-13 16:35:29.925", 2, 1, "minor"),
            Row("p87gff45r6kk", "2018-09-11 19:37:32.941", "2018-09-11 19:24:38.277", 2, 1, "minor"),
            Row("h0tnbkc553yq", "2018-09-10 16:31:54.444", "2018-09-06 18:00:35.746", 8, 3, "minor"),
            Row("l7yj8k6pghtv", "2018-08-30 14:56:14.501", "2018-08-30 11:12:56.874", 8, 1, "minor"),
            Row("zgq448d52slx", "2018-08-21 18:35:44.593", "2018-08-21 17:57:01.886", 4, 1, "minor"),
        ],
    ),
}  # fmt: skip


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", TABLE)
def test_recorded_document_is_read_as_a_person_reads_it(name: str, recorded: Path) -> None:
    expected = TABLE[name]
    feed = read((recorded / name).read_bytes(), source=GCP)
    assert (feed.dialect, feed.title, feed.faults) == (expected.dialect, expected.title, ())
    assert not feed.absence_closes
    assert [
        Row(i.id, "", "", i.updates or 0, len(i.components), i.impact) for i in feed.incidents
    ] == [row._replace(updated="", started="") for row in expected.rows]
    for incident, row in zip(feed.incidents, expected.rows, strict=True):
        assert (incident.updated_at, incident.started_at) == (utc(row.updated), utc(row.started))
        assert (incident.state, incident.kind) == ("resolved", "incident")
        assert incident.title
        assert incident.message
        assert not any(mark in incident.message for mark in ("<", "&nbsp;", "**"))
        assert incident.url
        assert incident.url.startswith("https://")


def test_every_recorded_json_document_is_in_the_table(recorded: Path) -> None:
    assert {path.name for path in recorded.glob("*.json")} == set(TABLE)
