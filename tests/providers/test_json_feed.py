"""JSON documents: what is one, its limits, its marks, and whose it is."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from efficient_status.errors import Unreadable
from efficient_status.models import Feed
from efficient_status.providers import Limits, read
from efficient_status.providers import platforms_json as platforms
from efficient_status.providers.jsonfeed import is_json, parse
from efficient_status.providers.report_json import Report, prose, when

FIXTURES = Path(__file__).parents[2] / "fixtures"
PAGE = {"id": "kx0000000000", "name": "Kelpworks", "url": "https://status.kelpworks.test"}
INCIDENT: dict[str, Any] = {
    "id": "a1",
    "name": "Mail is late",
    "status": "identified",
    "impact": "minor",
    "created_at": "2026-03-04T09:00:00Z",
    "updated_at": "2026-03-04T09:30:00Z",
    "components": [{"name": "API"}, {"name": "Mail"}],
    "incident_updates": [
        {"id": "u1", "status": "identified", "body": "Found.", "created_at": "2026-03-04T09:30:00Z"}
    ],
}


def document(*incidents: object, **more: object) -> bytes:
    return json.dumps({"page": PAGE, "incidents": list(incidents), **more}).encode()


def changed(**members: object) -> dict[str, Any]:
    return {**deepcopy(INCIDENT), **members}


def updated(**members: object) -> dict[str, Any]:
    return changed(incident_updates=[{**INCIDENT["incident_updates"][0], **members}])


def marks(feed: Feed) -> frozenset[bytes]:
    return frozenset(mark for incident in feed.incidents for mark in incident.marks)


# What is JSON.


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"{}", True),
        (b" \r\n\t[1]", True),
        (codecs.BOM_UTF8 + b" {}", True),
        (codecs.BOM_UTF16_BE + "\n[]".encode("utf-16-be"), True),
        (codecs.BOM_UTF16_LE + "{}".encode("utf-16-le"), True),
        ("[]".encode("utf-16-be"), True),
        (b"jsonCallback({", True),
        (b"/**/ a.b$1 ( [1])", True),
        (b"<rss/>", False),
        (b"", False),
        (b"\xfe\xff", False),
        (b"a(1)", False),
        (b"1({})", False),
        (b"Sorry ({)", True),
        (b"Sorry, we are down ({)", False),
        (b'"text"', False),
        (b"null", False),
    ],
)
def test_json_is_known_by_its_first_character(body: bytes, answer: bool) -> None:
    assert is_json(body) is answer


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": [1]}',
        b'\xef\xbb\xbf{"a": [1]}',
        b'call({"a": [1]})',
        b' call ( {"a": [1]} ) ; \n',
        '{"a": [1]}'.encode("utf-16-le"),
        '\ufeff {"a": [1]}'.encode("utf-16-be"),
    ],
)
def test_json_is_read_whatever_it_is_wrapped_and_written_in(body: bytes) -> None:
    assert parse(body) == {"a": [1]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("123", 123),
        ("9" * 5_000, "9" * 5_000),
        ("-" + "9" * 30, "-" + "9" * 30),
        ('"\\ud800"', "\ud800"),
    ],
)
def test_numbers_that_are_none_harm_nobody(text: str, value: object) -> None:
    assert parse(f"[{text}]".encode()) == [value]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "malformed JSON"),
        (b"{} {}", "malformed JSON (Extra data"),
        (b"call({}", "malformed JSON"),
        (b"call({}) more", "malformed JSON"),
        (b'{"a": \x00}', "malformed JSON"),
        (b"[" * 200_000, "64 JSON brackets within each other (limits.depth), got at least 65"),
        (b'[{"a":' * 100_000, "64 JSON brackets within each other (limits.depth)"),
        (b"[" * 65 + b"]" * 65, "64 JSON brackets within each other (limits.depth)"),
        (
            b"[" * 250_001,
            "at most 250,000 values in a JSON document (limits.values), got at least 250,001",
        ),
    ],
)
def test_what_is_no_json_or_no_safe_one_is_unreadable(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(body)
    assert why in str(refusal.value)


def test_limits_are_those_of_the_configuration() -> None:
    assert parse(b"[" * 3 + b"]" * 3, Limits(depth=3)) == [[[]]]
    assert parse(b"[[[1]]]", Limits(depth=3)) == [[[1]]]
    with pytest.raises(Unreadable, match=r"limits.depth"):
        parse(b"[" * 3 + b"]" * 3, Limits(depth=2))
    assert parse(b'[1, {"a": 2}]', Limits(values=3)) == [1, {"a": 2}]
    with pytest.raises(Unreadable, match=r"limits.values., got at least 3"):
        parse(b'[1, {"a": 2}]', Limits(values=2))
    with pytest.raises(Unreadable, match=r"at most 1 items .limits.items., got at least 2"):
        read(document(INCIDENT, changed(id="a2")), limits=Limits(items=1))


# What is news and what is not.


def test_known_objects_are_swept_over_and_nothing_is_made_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = read(document(INCIDENT))

    def never(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(Report, "incident", never)
    again = read(document(INCIDENT), marks(first))
    assert again.incidents == ()
    assert again.unchanged == marks(first)
    assert (again.dialect, again.title) == (first.dialect, first.title)


@pytest.mark.parametrize(
    "after",
    [
        changed(updated_at="2026-03-09T09:30:00Z"),
        changed(created_at=None),
        changed(components=[{"name": "Mail"}, {"name": "API"}]),
        changed(components=[*INCIDENT["components"], {"name": "API", "status": "operational"}]),
        changed(postmortem_body="x", shortlink="https://stspg.io/x"),
        updated(created_at="2026-03-04T09:31:00Z"),
    ],
)
def test_stamps_and_the_order_of_components_are_no_news(after: dict[str, Any]) -> None:
    feed = read(document(after), marks(read(document(INCIDENT))))
    assert feed.incidents == ()
    assert len(feed.unchanged) == 1


@pytest.mark.parametrize(
    "after",
    [
        changed(id="a2"),
        changed(name="Mail is very late"),
        changed(status="resolved"),
        changed(impact="major"),
        changed(components=[{"name": "API"}]),
        changed(incident_updates=[]),
        changed(incident_updates=INCIDENT["incident_updates"] * 2),
        updated(id="u2"),
        updated(body="Found it."),
        updated(status="update"),
    ],
)
def test_what_matters_is_news(after: dict[str, Any]) -> None:
    feed = read(document(after), marks(read(document(INCIDENT))))
    assert len(feed.incidents) == 1
    assert feed.unchanged == frozenset()


def test_only_the_object_that_differs_is_read_again() -> None:
    known = marks(read(document(INCIDENT, changed(id="a2"), changed(id="a3"))))
    feed = read(document(INCIDENT, changed(id="a2", name="New"), changed(id="a3")), known)
    assert [incident.id for incident in feed.incidents] == ["a2"]
    assert len(feed.unchanged) == 2


def test_a_fault_names_the_object_and_is_said_once() -> None:
    feed = read(document(INCIDENT, {"name": "odd\x1b"}, {"name": "odd\x1b"}, 5, {"id": "\x1b"}))
    assert feed.faults == (
        "item odd: it has no id: skipped",
        "item 4: expected an object, got int: skipped",
        "item 5: its id is empty: skipped",
    )


# Whose it is.


def test_an_empty_list_is_what_the_row_says() -> None:
    assert read(b"[]", expected="salesforce").dialect == "salesforce-json"
    assert read(b"[]", expected="slack-json").dialect == "slack-json"
    assert read(b"[]", expected="aws-rss").dialect == "aws-json"
    for expected in (None, "", "generic-rss", "no-such-platform"):
        with pytest.raises(Unreadable, match="name it in the row"):
            read(b"[]", expected=expected)


def test_the_document_overrules_the_row() -> None:
    assert read(document(), expected="incidentio-json").dialect == "statuspage-json"


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"page": PAGE},
        {"page": "x", "incidents": []},
        {"incidents": []},
        {"data": []} | {"more": 1},
        {"services": []},
        {"notices": {}},
        [{}],
        [[]],
        [None],
        [1, {"event_log": []}],
    ],
)
def test_json_that_shows_no_platform_is_refused(value: object) -> None:
    with pytest.raises(Unreadable, match="got JSON of no known platform"):
        read(json.dumps(value).encode())


def test_relative_links_start_from_where_the_document_came_from() -> None:
    body = (FIXTURES / "gcp" / "json-incidents.json").read_bytes()
    feed = read(body, source="https://www.example.test/appsstatus/dashboard/incidents.json")
    assert feed.incidents[0].url == "https://www.example.test/appsstatus/dashboard/incidents/AbCdEf"


def test_recognition_does_not_depend_on_what_is_known() -> None:
    for path in FIXTURES.glob("[!r]*/json*"):
        if path.suffix != ".toml":
            first = read(path.read_bytes())
            again = read(path.read_bytes(), marks(first))
            assert again.incidents == ()
            assert again.unchanged == marks(first)
            assert (again.dialect, again.evidence) == (first.dialect, first.evidence)
            assert again.faults == first.faults


def test_no_two_platforms_claim_one_document() -> None:
    for path in FIXTURES.glob("[!r]*/json*"):
        if path.suffix != ".toml" and "incidentio" not in str(path):
            value = parse(path.read_bytes())
            claims = [
                platform
                for platform, dialect in platforms.JSON_DIALECTS.items()
                if dialect.evidence(value)
            ]
            assert claims == ([path.parent.name] if value else [])


# Dates and texts.


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("2026-03-04T09:12:31.907-08:00", "2026-03-04T17:12:31.907000+00:00"),
        ("1772618400", "2026-03-04T10:00:00+00:00"),
        (1772618400, "2026-03-04T10:00:00+00:00"),
        (1772618400.5, "2026-03-04T10:00:00.500000+00:00"),
        (1772618400000, "2026-03-04T10:00:00+00:00"),
        (" 1772618400000 ", "2026-03-04T10:00:00+00:00"),
        ("4 Mar 2026 02:00 PST", "2026-03-04T10:00:00+00:00"),
    ],
)
def test_date_is_read_as_json_has_it(value: object, iso: str) -> None:
    found = when(value)
    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "value",
    [None, True, "", "soon", -1, 1e30, float("nan"), float("inf"), "9" * 17, "9" * 400, [], {}, "\u0661\u0662"],
)  # fmt: skip
def test_what_is_no_date_is_none(value: object) -> None:
    assert when(value) is None


def test_both_plain_and_html_texts_keep_their_lines() -> None:
    assert prose("One.\r\nTwo &amp; more.\n\n\nThree < four") == "One.\nTwo & more.\nThree < four"
    assert prose("<p>One.</p><p>Two.</p>") == "One.\nTwo."
    assert prose("") == ""


@pytest.mark.parametrize(
    ("posted", "iso"),
    [
        ("03/04/2026 02:00 PST", "2026-03-04T10:00:00+00:00"),
        ("00/04/2026 02:00 PST", None),
        ("99/04/2026 02:00 PST", None),
        ("March 4", None),
        ("a/b/c d", None),
        ("", None),
    ],
)
def test_apples_own_dates(posted: str, iso: str | None) -> None:
    from efficient_status.providers.apple_json import _posted

    found = when(_posted(posted))
    assert (found and found.isoformat()) == iso


# Statuses that fixtures do not reach, by platform.


def first(body: object) -> Any:
    return read(json.dumps(body).encode()).incidents[0]


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda: {"status": "ok", "active_incidents": [{"id": "1", "status": "odd"}]}, "unknown"),
        (lambda: [{"id": 1, "full_url": "", "state": "", "updates": [{"update_type": "monitoring"}]}], "monitoring"),
        (lambda: [{"id": 1, "IncidentImpacts": [], "status": "Resolved"}], "resolved"),
        (lambda: [{"id": 1, "IncidentEvents": [{"type": "monitoring"}]}], "monitoring"),
        (lambda: {"result": {"status_overall": {}, "incidents": [{"_id": "1", "messages": [{"state": "resolved"}]}]}}, "resolved"),
        (lambda: {"data": {"active_changes": [{"change_id": 1, "type": "maintenance", "status": "?"}]}}, "scheduled"),
        (lambda: {"data": {"active_changes": [{"change_id": 1, "updates": [{"status": "identified"}]}]}}, "identified"),
        (lambda: {"page": {"status": "UP"}, "activeMaintenances": [{"id": 1, "start": "x"}]}, "scheduled"),
        (lambda: {"notices": [{"id": 1, "type": "unplanned", "state": "?"}]}, "unknown"),
        (lambda: {"meta": {"pagination": {}}, "data": [{"id": 1, "status": 9, "message": ""}]}, "unknown"),
        (lambda: {"services": [{"serviceName": "a", "events": [{"messageId": 1, "eventStatus": "completed"}]}]}, "resolved"),
        (lambda: {"data": [{"id": "1", "type": "incident", "attributes": {"resolved_at": "2026-03-04"}}]}, "resolved"),
    ],
)  # fmt: skip
def test_states_beyond_the_usual(make: Callable[[], object], state: str) -> None:
    assert first(make()).state == state
