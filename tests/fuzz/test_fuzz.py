"""Each target holds for seeds, mutations of them, and what fuzzing once found."""

from __future__ import annotations

import os
import tomllib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import failure, smallest
from tests.fuzz.targets import FIXTURES, TARGETS

FOUND = sorted((FIXTURES / "rogue").glob("*.bin"))
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))  # of each target
PIECES = st.sampled_from(
    [b"<", b">", b"&", b"]]>", b"<![CDATA[", b"</item>", b"<item>", b"\0", b"\xff", b'"', b"'", b"[", b"{", b"}", b",",
     b":", b"\\u0000", b"9" * 25, b"&amp;#" + b"9" * 5_000 + b";", b"1e999", b"-", b"\xe2\x80\xae", b"\x1b[2J", b"&#0;", b"&nbsp;", b"0000-00-00", b"99:99"]
)  # fmt: skip


@cache
def seeds(name: str) -> list[bytes]:
    return [*TARGETS[name].seeds()]


@pytest.mark.parametrize("name", TARGETS)
def test_target_holds_for_its_seeds(name: str) -> None:
    """Whatever is in the fixtures, and the empty body, is read within bounds or refused."""
    target = TARGETS[name]
    for seed in [b"", *seeds(name)]:
        target.run(seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(deadline=None, max_examples=EXAMPLES)
@given(data=st.data())
def test_target_holds_for_mutations(name: str, data: st.DataObject) -> None:
    """Bytes cut, doubled, swapped or put in anywhere give a feed within bounds, or a refusal."""
    target = TARGETS[name]
    body = data.draw(st.sampled_from(seeds(name)))
    for _ in range(data.draw(st.integers(1, 4))):
        a, b = sorted(data.draw(st.lists(st.integers(0, len(body)), min_size=2, max_size=2)))
        piece = data.draw(PIECES | st.binary(max_size=8))
        body = data.draw(
            st.sampled_from(
                [
                    body[:a] + body[b:],
                    body[:b] + body[a:],
                    body[:a] + piece + body[a:],
                    body[:a] + piece + body[a + len(piece) :],
                    body[:a] + body[a:b][::-1] + body[b:],
                ]
            )
        )
    target.run(body)


def test_what_was_found_once_is_survived() -> None:
    """An input that once raised what it must not is read or refused, and says why it is there."""
    for path in FOUND:
        why = tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8"))["why"]
        assert why.endswith("."), path.name
        TARGETS[path.stem.partition("-")[0]].run(path.read_bytes())


def test_findings_are_cut_down_to_what_matters() -> None:
    """What is kept of a finding is no more than what it takes to raise the same again."""

    def run(body: bytes) -> None:
        if b"X" in body and b"Y" in body:
            raise KeyError(body)

    assert failure(run, b"nothing") == ""
    why = failure(run, b"..X...Y..")
    assert why == "KeyError in run"
    assert smallest(run, b"aaaaXbbbbbbbYcc", why) == b"XY"
