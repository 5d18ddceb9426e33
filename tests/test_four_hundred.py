"""The whole catalogue at once: every page is asked, none is in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from efficient_status import catalogue
from efficient_status.models import Provider
from tests.app import cli, environment, objects, until
from tests.feeds import Report, incidentio
from tests.forked import Forked
from tests.origin import Answer, Origin

ROWS = list(catalogue.load().values())


@pytest.fixture
def everywhere() -> Iterator[Origin]:
    """An origin that answers on every address of 127.0.0.0/8."""
    with Origin(host="0.0.0.0") as running:  # loopback addresses alone are asked
        for row in ROWS:
            running.page(f"/{row.key}").serve(incidentio(Report(row.key)), etag=True)
        yield running


def feed(number: int, row: Provider, origin: Origin) -> str:
    """The row's page on a loopback host of its own."""
    return f"http://127.{1 + number // 200}.{number % 200}.1:{origin.port}/{row.key}"


def moved(origin: Origin) -> list[Provider]:
    """The rows of the catalogue, each on a host of its own."""
    return [replace(row, feed=feed(n, row, origin)) for n, row in enumerate(ROWS)]


def configured(folder: Path, origin: Origin) -> str:
    """A file that says the same."""
    rows = (f'[[providers]]\nkey = "{row.key}"\nfeed = "{row.feed}"\n' for row in moved(origin))
    file = folder / "all.toml"
    file.write_text("".join(rows), "utf-8")
    return str(file)


def test_all_of_them_once(everywhere: Origin, tmp_path: Path) -> None:
    """`--all --once`: one request and one event a page, then 304 and silence."""
    arguments = (
        "--all",
        "--once",
        "--format",
        "json",
        "--config",
        configured(tmp_path, everywhere),
    )

    first = cli(tmp_path, *arguments)
    second = cli(tmp_path, *arguments)

    assert (first.returncode, first.stderr) == (0, "")
    assert sorted(event["provider"] for event in objects(first.stdout)) == [r.key for r in ROWS]
    assert (second.returncode, second.stderr, second.stdout) == (0, "", "")
    for row in ROWS:
        asked = everywhere.page(f"/{row.key}").requests
        assert [bool(each.header("if-none-match")) for each in asked] == [False, True], row.key


def test_all_of_them_watched_while_some_are_ill(everywhere: Origin, tmp_path: Path) -> None:
    """Every page within the first interval, spread evenly, though others hang, fail or are nonsense."""
    ill = {row.key: n for n, row in enumerate(ROWS) if n % 20 == 0}
    well = [row.key for row in ROWS if row.key not in ill]
    illnesses = (Answer(200, hang=True), Answer(503), Answer(200, body=b"<html>"))
    for key, number in ill.items():
        everywhere.page(f"/{key}").always(illnesses[number // 20 % 3])
    arguments = (
        "--interval",
        "2",
        "--format",
        "json",
        "--config",
        configured(tmp_path, everywhere),
    )
    told = tmp_path / "out"
    with told.open("w") as out, (tmp_path / "err").open("w") as err:
        process = Forked(arguments, environment(tmp_path), out, err)
        try:
            asyncio.run(until(lambda: told.read_bytes().count(b"\n") >= len(well), 30))
        finally:
            process.terminate()
            process.wait(10)
    asked = [everywhere.page(f"/{key}").requests[0].at for key in well]

    assert process.returncode == 0
    assert sorted(event["provider"] for event in objects(told.read_text())) == well
    for key in well:  # none is asked for a third time before all were for the first
        before = [each for each in everywhere.page(f"/{key}").requests if each.at < max(asked)]
        assert len(before) <= 2, key
    first, *_ = (tmp_path / "err").read_text().splitlines()
    assert first == f"efficient-status: watching {len(ROWS)} pages every 2 s"
