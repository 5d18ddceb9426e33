"""Whatever JSON comes in: a feed or a refusal, and the same from every side."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status.errors import Unreadable
from efficient_status.providers import Limits, read
from efficient_status.providers.jsonfeed import parse
from efficient_status.providers.platforms_json import JSON_DIALECTS
from tests.fuzz.targets import assert_sound, attempt
from tests.providers.test_json_feed import marks

FIXTURES = Path(__file__).parents[2] / "fixtures"
PATHS = sorted(
    path for path in FIXTURES.glob("[!r]*/json*") if path.suffix in (".json", ".js")
)  # JSONP is JSON with a coat
BODIES = [path.read_bytes() for path in PATHS]


VALUES = [parse(body) for body in BODIES]
# Names and words that dialects look for: a random text would never meet them.
NAMES = sorted(
    {"page", "incidents", "data", "included", "result", "status", "updates", "id", "name"}
    | {"active_incidents", "activeIncidents", "services", "events", "notices", "meta", "messages"}
    | {"IncidentImpacts", "event_log", "external_desc", "begin", "attributes", "relationships"}
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["resolved", "open", "2026-03-04T09:00:00Z", "1772618400", "", "\ud800"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)
quick = settings(deadline=None, max_examples=150)


def body_of(value: object) -> bytes:
    return json.dumps(value).encode()


@quick
@given(values)
def test_any_json_is_a_feed_or_unreadable(value: object) -> None:
    assert_sound(attempt(body_of(value)))


@quick
@given(values, st.sampled_from(sorted(JSON_DIALECTS)))
def test_any_json_is_survived_by_every_dialect(value: object, platform: str) -> None:
    """Even one that does not recognise it."""
    dialect = JSON_DIALECTS[platform]
    dialect.evidence(value)
    dialect.page(value)
    for raw in [*dialect.reports(value), value]:
        with suppress(ArithmeticError, LookupError, ValueError):  # it costs the object
            report = dialect.report(raw)
            report.mark()
            report.incident("", "")


def mutated(value: Any, data: st.DataObject) -> Any:
    """The same with one member, somewhere, of another type or gone."""
    if isinstance(value, (dict, list)) and value and data.draw(st.integers(0, 5)):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = data.draw(st.sampled_from(keys))
        copy: Any = value.copy()
        copy[key] = mutated(value[key], data)
        return copy
    return data.draw(values)


@quick
@given(st.sampled_from(VALUES), st.data())
def test_a_fixture_with_a_wrong_value_is_a_feed_or_unreadable(
    value: object, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        value = mutated(value, data)
    assert_sound(attempt(body_of(value)))


@quick
@given(st.sampled_from(BODIES), st.data())
def test_a_damaged_fixture_is_a_feed_or_unreadable(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    until = at + data.draw(st.integers(0, 30))
    assert_sound(attempt(body[:at] + data.draw(st.binary(max_size=6)) + body[until:]))


@quick
@given(st.sampled_from(VALUES), st.data())
def test_what_is_known_yields_nothing(value: object, data: st.DataObject) -> None:
    value = mutated(value, data)
    first = attempt(body_of(value))
    if first is not None:
        again = read(body_of(value), marks(first) | {b"another page's"})
        assert again.incidents == ()
        assert again.unchanged == marks(first)


def shuffled(value: Any, data: st.DataObject, names: frozenset[str]) -> Any:
    """The same with the lists of these names in another order."""
    if isinstance(value, list):
        return [shuffled(each, data, names) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: data.draw(st.permutations(each))
        if key in names and isinstance(each, list)
        else shuffled(each, data, names)
        for key, each in value.items()
    }


COMPONENTS = frozenset(
    {"components", "affected_components", "affected_products", "services", "instanceKeys"}
    | {"serviceKeys", "affected_resources", "components_affected", "systems"}
)


@quick
@given(
    st.sampled_from([n for n, path in enumerate(PATHS) if path.parent.name != "apple"]), st.data()
)
def test_the_order_of_components_does_not_matter(number: int, data: st.DataObject) -> None:
    before = read(body_of(VALUES[number]), expected=PATHS[number].parent.name)
    other = body_of(shuffled(VALUES[number], data, COMPONENTS))
    assert read(other, marks(before), expected=PATHS[number].parent.name).incidents == ()


@quick
@given(st.integers(1, 80), st.integers(1, 70))
def test_depth_is_bounded_exactly(depth: int, limit: int) -> None:
    body = b"[" * depth + b"]" * depth
    if depth <= limit:
        parse(body, Limits(depth=limit))
    else:
        with pytest.raises(Unreadable, match=f"at most {limit} .*limits.depth"):
            parse(body, Limits(depth=limit))
