"""What is released, and what it is tested with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import release
from tests.release import PROJECT, ROOT

LOCK = (ROOT / "tests" / "requirements.lock").read_text("utf-8")
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", LOCK, re.MULTILINE)
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution."""
    return release.build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_holds_the_package_and_nothing_else(built: tuple[Path, Path]) -> None:
    """Every file of the package, `py.typed` and the catalogue among them; no tests, no benchmarks."""
    found = release.members(built[0])

    assert found == release.expected_members()
    assert {
        f"efficient_status/{name}" for name in ("py.typed", "catalogue.toml", "catalogue.index")
    } < found
    assert built[0].name.endswith("-py3-none-any.whl")


def test_the_metadata_says_what_it_is(built: tuple[Path, Path]) -> None:
    """Typed, for the Pythons that are tested, with the declared dependencies and the command."""
    said = release.metadata(built[0])
    needed = [each for each in said.get_all("Requires-Dist", []) if "extra ==" not in each]

    assert "Typing :: Typed" in said.get_all("Classifier", [])
    assert said["Requires-Python"] == ">=3.11"
    assert said["License-Expression"] == "MIT"
    assert {Requirement(each) for each in needed} == {
        Requirement(each) for each in PROJECT["dependencies"]
    }
    assert "efficient-status = efficient_status.main:main" in release.entry_points(built[0])


def test_the_source_distribution_can_be_tested(built: tuple[Path, Path]) -> None:
    """Tests, fixtures and documents are in it; what only a clone needs is not."""
    found = release.sources(built[1])

    for name in (
        "LICENSE",
        "SECURITY.md",
        "tox.ini",
        "tests/conftest.py",
        "tests/requirements.lock",
    ):
        assert name in found
    assert any(name.startswith("fixtures/") for name in found)
    assert not any(name.startswith((".ci", ".tox", "dist", "benchmarks/.cache")) for name in found)


def test_a_second_build_is_the_same(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Whoever builds a release from its sources gets its very bytes."""
    again = release.build_from(built[1], tmp_path)

    assert [release.digest(path) for path in again] == [release.digest(path) for path in built]


def test_the_lock_covers_what_the_tests_need() -> None:
    """Every dependency and every one of the tests' is pinned, in the declared range."""
    needed = [
        Requirement(each)
        for each in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"])
    ]

    for each in needed:
        assert PINS.get(canonicalize_name(each.name), "nothing") in each.specifier, each


def test_every_pin_has_hashes() -> None:
    """pip would refuse the file otherwise; nothing comes from an address of its own."""
    entries = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)
    pins = [entry for entry in entries if entry and not entry.startswith("#")]

    assert len(pins) == len(PINS)
    for entry in pins:
        assert "==" in entry.splitlines()[0], entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in LOCK
