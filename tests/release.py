"""Build what is released, look into it, install it and use it: `python -m tests.release`.

Built twice, byte for byte the same; in the wheel the package and nothing else; in an environment
of its own it says its version and watches a page on loopback.  `dist/` holds it afterwards.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = SETTINGS["project"]
PACKAGE = "efficient_status"
_ABOUT = re.compile(
    r"^.*\.(?:dist-info|data)/"
)  # what a name in a wheel begins with beside the package


def build(folder: Path, root: Path = ROOT) -> tuple[Path, Path]:
    """The wheel and the source distribution, built into a folder."""
    from hatchling.builders.sdist import SdistBuilder
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(root)).build(directory=str(folder))
    (source,) = SdistBuilder(str(root)).build(directory=str(folder))
    return Path(wheel), Path(source)


def build_from(source: Path, folder: Path) -> tuple[Path, Path]:
    """The same, from what the source distribution holds: files with other dates and modes."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    root = folder / source.name.removesuffix(".tar.gz")
    (root / "PKG-INFO").unlink()  # made by the first build
    return build(folder, root)


def members(wheel: Path) -> set[str]:
    """The wheel's files; those about it without its version."""
    with zipfile.ZipFile(wheel) as archive:
        return {_ABOUT.sub("", name) for name in archive.namelist()}


def expected_members() -> set[str]:
    """The package's files, and what a wheel says of itself."""
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    shared = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    return package | about | {f"data/{name}" for name in shared.values()}


def metadata(wheel: Path) -> Message:
    """Its METADATA (core metadata specifications)."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(name))


def entry_points(wheel: Path) -> str:
    """Its entry points, as they stand there."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        return archive.read(name).decode()


def sources(source: Path) -> set[str]:
    """The source distribution's files, without its folder's name."""
    with tarfile.open(source) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def digest(path: Path) -> str:
    """SHA-256, as an index shows it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel into an environment of its own, and watch a page with it.

    Raises:
        AssertionError: it says something else than it should.
    """
    from tests.app import environment
    from tests.feeds import Report, incidentio
    from tests.origin import Origin

    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    variables = {**environment(folder), "PYTHONWARNINGS": "error"}
    variables.pop("PYTHONPATH", None)

    def said(*words: str | Path, **more: str) -> str:
        done = subprocess.run(
            words, cwd=folder, env=variables | more, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    said(python, "-m", "pip", "install", "-q", wheel, PYTHONWARNINGS="default")
    version = said(python.with_name("efficient-status"), "--version")
    assert version.split()[-1] == metadata(wheel)["Version"], version
    with Origin() as origin:
        origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
        line: list[str | Path] = [python, "-m", PACKAGE, "--once", "--format", "json"]
        line += ["--state-dir", folder / "state", "--feed", origin.url("/feed")]
        told = [said(*line) for _ in range(2)]
    assert json.loads(told[0])["event"] == "new", told
    assert told[1] == "", told


def main() -> int:
    """See the module's docstring."""
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    wheel, source = build(folder)
    with tempfile.TemporaryDirectory() as again:
        for one, other in zip((wheel, source), build_from(source, Path(again)), strict=True):
            assert digest(one) == digest(other), f"{one.name} differs from build to build"
            print(f"{digest(one)}  {one.name}: the same from its own sources")
        assert members(wheel) == expected_members(), members(wheel) ^ expected_members()
        subprocess.run(
            [sys.executable, "-m", "twine", "check", "--strict", wheel, source], check=True
        )
        use(wheel, Path(again))
    print(f"{wheel.name} installs, says its version and watches a page")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
