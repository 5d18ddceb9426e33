"""Every document of `fixtures/` is read as the TOML beside it says; a new case is two new files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from efficient_status.errors import Unreadable
from efficient_status.models import Incident
from efficient_status.providers import DIALECTS, read
from efficient_status.providers.platforms_json import JSON_DIALECTS

ROOT = Path(__file__).parents[2] / "fixtures"
ROGUE = ROOT / "rogue"  # what fuzzing found; see tests/fuzz
CASES = [path for path in sorted(ROOT.glob("*/*.toml")) if path.parent != ROGUE]
# What a TOML may say of an incident, and whether leaving it out says that it is null.
MUST = ("id", "title", "kind", "state", "components", "message")
NULL = ("url", "started_at", "updated_at")
MAY = ("updates", "stamp_at", "impact")


def document_of(case: Path) -> bytes:
    (document,) = (path for path in case.parent.glob(f"{case.stem}.*") if path != case)
    return document.read_bytes()


def as_told(incident: Incident, wanted: dict[str, Any]) -> dict[str, Any]:
    """The incident in the words of a TOML, with what that one speaks of."""
    told = {
        "id": incident.id,
        "title": incident.title,
        "kind": incident.kind,
        "state": incident.state,
        "components": list(incident.components),
        "message": incident.message,
        "url": incident.url,
        "started_at": incident.started_at,
        "updated_at": incident.updated_at,
        "updates": incident.updates,
        "stamp_at": incident.stamp,
        "impact": incident.impact,
    }
    return {key: value for key, value in told.items() if key not in MAY or key in wanted}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_document_is_read_as_its_toml_says(case: Path) -> None:
    expect = tomllib.loads(case.read_text(encoding="utf-8"))
    body = document_of(case)
    if "error" in expect:
        with pytest.raises(Unreadable) as refusal:
            read(body)
        assert expect["error"] in str(refusal.value)
        return
    feed = read(body, expected=expect.get("expected"))
    wanted = expect.get("incidents", [])
    assert (feed.dialect, feed.title) == (expect["dialect"], expect["title"])
    assert [as_told(*pair) for pair in zip(feed.incidents, wanted, strict=False)] == [
        {**dict.fromkeys(NULL), **incident} for incident in wanted
    ]
    assert len(feed.incidents) == len(wanted)
    assert len(feed.faults) == expect.get("faults", 0)
    assert feed.absence_closes == expect.get("absence_closes", feed.absence_closes)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_toml_says_why_it_exists_and_all_that_is_needed(case: Path) -> None:
    expect = tomllib.loads(case.read_text(encoding="utf-8"))
    assert expect["why"].rstrip().endswith(".")
    if "error" not in expect:
        assert expect["dialect"].partition("-")[0] == case.parent.name
    for incident in expect.get("incidents", []):
        assert set(MUST) <= set(incident) <= {*MUST, *NULL, *MAY}


def test_every_document_has_a_toml_and_every_dialect_a_folder() -> None:
    documents = {
        path for path in ROOT.glob("*/*") if path.suffix != ".toml" and path.parent != ROGUE
    }
    assert {path.with_suffix(".toml") for path in documents} == set(CASES)
    assert len(documents) == len(CASES)
    assert {path.parent.name for path in CASES} == {*DIALECTS, *JSON_DIALECTS, "refused"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("incidentio/monitoring.rss", "incidentio/escaped.rss"),
        ("incidentio/monitoring.rss", "incidentio/permuted-list.rss"),
    ],
)
def test_escaping_and_the_order_of_a_list_do_not_make_another_item(one: str, other: str) -> None:
    before, after = (read((ROOT / name).read_bytes()) for name in (one, other))
    assert before.incidents == after.incidents
