"""Words and dates as status pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from efficient_status.models import State
from efficient_status.providers.words import STATES, UPDATE_WORDS, clock, moment, state_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CHICAGO = timezone(timedelta(hours=-5))  # in summer


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Investigating", State.INVESTIGATING),
        ("IDENTIFIED", State.IDENTIFIED),
        (" Monitoring: ", State.MONITORING),
        ("[Resolved]", State.RESOLVED),
        ("Scheduled", State.SCHEDULED),
        ("In  progress", State.IN_PROGRESS),
        ("in_progress", State.IN_PROGRESS),
        ("Verifying", State.VERIFYING),
        ("Complete", State.COMPLETED),
        ("Completed", State.COMPLETED),
        ("Postmortem", State.POSTMORTEM),
        ("Post-mortem", State.POSTMORTEM),
        ("Resolvido", State.RESOLVED),
        ("Concluído", State.COMPLETED),
        ("Résolu", State.RESOLVED),
        ("Behoben", State.RESOLVED),
        ("解決済み", State.RESOLVED),
        ("Update", None),
        ("Resolved by us", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_state_is_read_whatever_its_case_and_spelling(word: str, state: State | None) -> None:
    assert state_of(word) is state


def test_every_state_but_unknown_has_its_own_word_and_an_update_is_none() -> None:
    assert set(STATES.values()) == set(State) - {State.UNKNOWN}
    assert UPDATE_WORDS.isdisjoint(STATES)
    assert all(state_of(word) is state for word, state in STATES.items())
    assert all(state_of(state.label) is state for state in set(STATES.values()))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-04T09:12:31Z", "2026-03-04T09:12:31+00:00"),
        ("2026-03-04t09:12:31z", "2026-03-04T09:12:31+00:00"),
        ("2026-03-04T09:12:31.907Z", "2026-03-04T09:12:31.907000+00:00"),
        ("2026-03-04T05:35:05-04:00", "2026-03-04T05:35:05-04:00"),
        ("2026-03-04 09:12:31 UTC", "2026-03-04T09:12:31+00:00"),
        ("2026-03-04", "2026-03-04T00:00:00+00:00"),
        (" \n2026-03-04T09:12Z ", "2026-03-04T09:12:00+00:00"),
        ("Wed, 04 Mar 2026 09:12:31 GMT", "2026-03-04T09:12:31+00:00"),
        ("Wed, 4 Mar 2026 09:12:31 +0000", "2026-03-04T09:12:31+00:00"),
        ("Wed, 04 Mar 2026 09:12:31 -0000", "2026-03-04T09:12:31+00:00"),
        ("Wed, 04 Mar 2026 09:12:31 Z", "2026-03-04T09:12:31+00:00"),
        ("Wed, 04 Mar 2026 09:12:31", "2026-03-04T09:12:31+00:00"),
        ("04 Mar 2026 09:12 PDT", "2026-03-04T09:12:00-07:00"),
        ("Wed, 04 Mar 2026 09:12:31 PST", "2026-03-04T09:12:31-08:00"),
        ("Wed, 04 Mar 2026 09:12:31 CET", "2026-03-04T09:12:31+01:00"),
        ("Wed, 04 Mar 2026 09:12:31 IST", "2026-03-04T09:12:31+05:30"),
        ("Wed, 04 Mar 2026 09:12:31 +0530", "2026-03-04T09:12:31+05:30"),
        ("Wed, 04 Mar 2026 09:12:31 XYZ", "2026-03-04T09:12:31+00:00"),
    ],
)
def test_date_is_read_as_feeds_write_it(text: str, iso: str) -> None:
    found = moment(text)
    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-04T09:12:31Z",
        "2026",
        "Wed, 99 Mar 2026 09:12:31 GMT",
        "Wed, 04 Mar 2026 09:12:31 +9999",
        "0001-01-01T00:00:00+09:00",
        "9999-12-31T23:59:59-08:00",
        "Thu, 01 Jan 99999999999999999999 00:00:00 GMT",
        "1" * 10_000,
        "\uff12\uff10\uff12\uff16-03-04",
        ",,,",
    ],
)
def test_what_is_no_date_or_cannot_be_shown_in_every_zone_is_none(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "near", "iso"),
    [
        ("Mar  4, 09:12 UTC", NOON, "2026-03-04T09:12:00+00:00"),
        ("Mar 4, 15:15:07 GMT+0", NOON, "2026-03-04T15:15:07+00:00"),
        ("Sep 3, 11:30 AM UTC", NOON, "2025-09-03T11:30:00+00:00"),
        ("Mar 3, 12:05 AM UTC", NOON, "2026-03-03T00:05:00+00:00"),
        ("Mar 3, 12:05 pm UTC", NOON, "2026-03-03T12:05:00+00:00"),
        ("March 3, 2021, 12:05 UTC", NOON, "2021-03-03T12:05:00+00:00"),
        ("Oct 16, 12:19 PDT", NOON, "2025-10-16T12:19:00-07:00"),
        ("Mar 4, 10:00 CET", NOON, "2026-03-04T10:00:00+01:00"),
        ("Mar 4, 10:00 CEST", NOON, "2026-03-04T10:00:00+02:00"),
        ("Mar 4, 10:00 CST", NOON.astimezone(CHICAGO), "2026-03-04T10:00:00-06:00"),
        (
            "Mar 4, 10:00 CST",
            NOON.astimezone(timezone(timedelta(hours=8))),
            "2026-03-04T10:00:00+08:00",
        ),
        ("Mar 4, 10:00 -03", NOON, "2026-03-04T10:00:00-03:00"),
        ("Mar 4, 10:00 +0530", NOON, "2026-03-04T10:00:00+05:30"),
        ("Mar 4, 10:00 GMT+05:45", NOON, "2026-03-04T10:00:00+05:45"),
        ("Mar 4, 10:00 ABCDE", NOON.astimezone(CHICAGO), "2026-03-04T10:00:00-05:00"),
        ("Mar 4, 10:00", NOON.astimezone(CHICAGO), "2026-03-04T10:00:00-05:00"),
        ("Dec 31, 23:40 UTC", datetime(2027, 1, 1, tzinfo=UTC), "2026-12-31T23:40:00+00:00"),
        ("Jan 1, 00:10 UTC", datetime(2026, 12, 31, 23, tzinfo=UTC), "2027-01-01T00:10:00+00:00"),
        ("Feb 29, 10:00 UTC", datetime(2029, 1, 2, tzinfo=UTC), "2028-02-29T10:00:00+00:00"),
    ],
)
def test_clock_time_gets_the_year_and_the_zone_it_was_meant_in(
    text: str, near: datetime, iso: str
) -> None:
    found = clock(text, near)
    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3:23pm PST",
        "Foo 4, 10:00 UTC",
        "Mar 99, 10:00 UTC",
        "Mar 4, 10:00 +99",
        "Mar 4, 0001, 10:00",
    ],
)
def test_what_is_no_clock_time_is_none(text: str) -> None:
    assert clock(text, NOON) is None


def test_february_29_of_no_year_nearby_is_none() -> None:
    assert clock("Feb 29, 10:00 UTC", datetime(2026, 6, 1, tzinfo=UTC)) is None
