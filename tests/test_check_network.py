"""`check --network`: each page asked twice, what was seen of it, and what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from efficient_status import survey
from efficient_status.commands import network
from efficient_status.errors import Gone, PageError, Refused, Unreachable, Unreadable
from efficient_status.models import Provider
from efficient_status.survey import Visit, advice
from tests.app import environment, here
from tests.feeds import Report, incidentio
from tests.forked import Forked
from tests.origin import Answer, Origin, Version

FEED = incidentio(Report("01A"))
NOW = datetime(2026, 3, 5, tzinfo=UTC).timestamp()
Checked = Callable[..., tuple[int, dict[str, dict[str, Any]]]]


@pytest.fixture
def checked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Checked:
    """Run `check --network --json` over rows of a file: exit status, and each page by its key."""

    def run(*rows: str) -> tuple[int, dict[str, dict[str, Any]]]:
        file = tmp_path / "own.toml"
        file.write_text("".join(f"[[providers]]\n{row}\n" for row in rows))
        status = here("check", "--network", "--json", "--config", str(file))
        return status, {each["key"]: each for each in json.loads(capfd.readouterr().out)}

    return run


def row(origin: Origin, name: str, more: str = "") -> str:
    """A row of the file for a page of the origin."""
    return f'key = "ex-{name}"\nfeed = "{origin.url("/" + name)}"\n{more}'


def test_validators_are_tried(checked: Checked, origin: Origin) -> None:
    """Two requests a page, the second with the validators; one without any is asked once."""
    both: dict[str, Any] = {"etag": 'W/"1"', "last_modified": "Wed, 04 Mar 2026 09:00:00 GMT"}
    origin.page("/good").serve(FEED, headers={"Cache-Control": "max-age=600"}, gzip=True, **both)
    origin.page("/deaf").serve(FEED, honour=False, **both)
    origin.page("/none").serve(FEED)
    origin.page("/kept").serve(FEED, headers={"Cache-Control": "no-store"}, **both)

    status, pages = checked(*(row(origin, name) for name in ("good", "deaf", "none", "kept")))

    assert status == 0
    first, second = origin.page("/good").requests
    assert first.header("If-None-Match") is first.header("If-Modified-Since") is None
    assert second.header("If-None-Match") == b'W/"1"'
    assert second.header("If-Modified-Since") == b"Wed, 04 Mar 2026 09:00:00 GMT"
    good = pages["ex-good"]
    assert (good["etag"], good["last_modified"], good["honoured"]) == (True, True, True)
    assert (good["fresh_seconds"], good["storable"], good["advice"]) == (600, True, [])
    assert good["body_bytes"] < good["document_bytes"] == len(FEED)
    assert (good["dialect"], good["newest"]) == ("incidentio-rss", "2026-03-04T09:00:00Z")
    assert [pages[f"ex-{name}"]["honoured"] for name in ("deaf", "none", "kept")] == [
        False,
        None,
        None,
    ]
    assert [origin.page(f"/{name}").count for name in ("deaf", "none", "kept")] == [2, 1, 1]
    assert sum(page["requests"] for page in pages.values()) == len(origin.log)
    assert sum(page["bytes_sent"] for page in pages.values()) == origin.bytes_in
    advised = [pages[f"ex-{name}"]["advice"] for name in ("deaf", "none", "kept")]
    assert advised == [
        ["ignores its own validators: asked at most every 5 min while it does"],
        [f"sends no validators: each poll costs {len(FEED):,} bytes, give it a longer interval"],
        [f"forbids storing (no-store): each poll costs {len(FEED):,} bytes"],
    ]


def test_what_changes_meanwhile_shows_nothing(checked: Checked, origin: Origin) -> None:
    """Another document in the second answer says nothing of validators."""
    versions: list[Version] = [
        {"body": incidentio(Report(name)), "etag": True} for name in ("A", "B")
    ]
    origin.page("/a").versions(versions, every=1)

    _, pages = checked(row(origin, "a"))

    assert (pages["ex-a"]["honoured"], pages["ex-a"]["advice"]) == (None, [])


def test_where_pages_have_moved_to(checked: Checked, origin: Origin) -> None:
    """For good: the new address; each time: that it is so."""
    origin.page("/perm").redirect("/a", 308)
    origin.page("/temp").redirect("/a", 302)
    origin.page("/a").serve(FEED, etag=True)

    status, pages = checked(row(origin, "perm"), row(origin, "temp"))

    assert status == 0
    target = origin.url("/a")
    assert [(page["moved_to"], page["redirected_to"]) for page in pages.values()] == [
        (target, target),
        (None, target),
    ]
    assert [page["advice"] for page in pages.values()] == [
        [f"moved for good: change feed to {target}"],
        [f"is redirected each time, not for good: {target} answers"],
    ]


def test_pages_that_cannot_be_read(checked: Checked, origin: Origin) -> None:
    """Exit status 1, each with its reason and what to do; the others are read."""
    origin.page("/html").serve("<!doctype html><title>Hello</title>")
    origin.page("/gone").always(Answer(410))
    origin.page("/ok").serve(FEED, etag=True)

    status, pages = checked(*(row(origin, name) for name in ("html", "gone", "missing", "ok")))

    assert status == 1
    assert [page["readable"] for page in pages.values()] == [False, False, False, True]
    assert [page["status"] for page in pages.values()] == [200, 410, 404, 200]
    assert [page["advice"] for page in pages.values()] == [
        ["expected a feed, got an HTML page"],
        ["HTTP 410 Gone: remove it, or find its new feed"],
        ["HTTP 404 Not Found: find its new feed, or remove it"],
        [],
    ]


def test_another_platform_than_the_row_says(checked: Checked, origin: Origin) -> None:
    """What was recognised, by what, and what the row says."""
    origin.page("/a").serve(FEED, etag=True)

    _, pages = checked(row(origin, "a", 'platform = "statuspage"'))

    assert pages["ex-a"]["advice"] == [
        "platform is incidentio (generator «incident.io»), the row says statuspage"
    ]


@pytest.mark.parametrize("at_once", [1, 2])
def test_two_rows_with_one_feed_are_two_visits(
    checked: Checked, origin: Origin, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """What was stored for one does not answer the other."""
    monkeypatch.setattr(survey, "AT_ONCE", at_once)
    origin.page("/a").serve(FEED, etag=True, headers={"Cache-Control": "max-age=600"})
    twin = row(origin, "a").replace("ex-a", "ex-b")

    _, pages = checked(row(origin, "a"), twin)

    assert [(page["status"], page["requests"]) for page in pages.values()] == [(200, 2), (200, 2)]


def test_a_host_that_asks_for_rest_is_left_alone(checked: Checked, origin: Origin) -> None:
    """After a Retry-After none of its pages is asked any more."""
    origin.page("/a").always(Answer(429, {"Retry-After": "60"}))
    origin.page("/b").serve(FEED)

    status, pages = checked(row(origin, "a"), row(origin, "b"))

    assert (status, len(origin.log)) == (1, 1)
    assert pages["ex-b"]["error"].startswith("its host asked to be left alone")


def test_nothing_is_stored(checked: Checked, origin: Origin, tmp_path: Path) -> None:
    """Neither state nor cache is begun, and no password is shown."""
    origin.page("/a").serve(FEED, etag=True)
    url = origin.url("/a").replace("//", "//ann:s3cret@")

    _, pages = checked(f'key = "ex"\nfeed = "{url}"')

    assert origin.log[-1].header("Authorization") is not None
    assert "s3cret" not in json.dumps(pages)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["own.toml"]


def test_without_the_option_no_page_is_asked(
    origin: Origin, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`check` alone makes no request; `--json` is only for what makes some."""
    url = origin.url("/a")
    assert here("check", "--feed", url) == 0
    assert here("check", "--json", "--feed", url) == 2
    assert here("check", "--network", "--dump", "--feed", url) == 2
    assert "--json: expected --network beside it" in capfd.readouterr().err
    assert origin.connections == 0


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_progress_is_for_a_terminal(origin: Origin, tmp_path: Path, terminal: bool) -> None:
    """A bar on stderr where that is a terminal, and nothing of it elsewhere; the table on stdout."""
    origin.page("/a").serve(FEED, etag=True)
    ours, theirs = os.openpty() if terminal else os.pipe()
    with (tmp_path / "out").open("w+") as out, os.fdopen(theirs, "w") as err:
        words = ("check", "--network", "--utc", "--feed", origin.url("/a"))
        assert Forked(words, environment(tmp_path, COLUMNS="80"), out, err).wait(20) == 0
        said = os.read(ours, 65_536).decode()
        os.close(ours)
        out.seek(0)
        shown = out.read()

    assert ("\r" in said) is ("1 of 1 pages" in said) is ("█" * 20 in said) is terminal
    assert "1 of 1 page can be read, advice on 0 of them; 2 requests" in said
    assert shown.split()[:3] == ["PAGE", "READ", "PLATFORM"]
    assert f"{origin.url('/a')}  yes   incidentio-rss  etag: 304" in shown


GOOD = Visit(
    Provider("ex", "Example", "https://status.example.test/feed", dialect="incidentio"),
    status=200,
    dialect="incidentio-rss",
    etag=True,
    honoured=True,
    body=400,
    document=4000,
    newest=datetime(2026, 3, 4, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        (GOOD, []),
        (replace(GOOD, newest=None), []),
        (replace(GOOD, body=50_000, document=50_000), ["does not compress"]),
        (
            replace(GOOD, newest=datetime(2023, 3, 5, tzinfo=UTC)),
            ["nothing new for 3.0 years: is it still kept?"],
        ),
        (replace(GOOD, faults=("item 1: bad: skipped",)), ["item 1: bad: skipped"]),
        *(
            (replace(GOOD, error=error), [f"no{what}"])
            for error, what in (
                (Unreachable("no"), ": try again; if it lasts, remove it"),
                (Refused("no", status=403), ": it wants an account, or none of us"),
                (Refused("no", status=404), ": find its new feed, or remove it"),
                (Refused("no", status=500), ""),
                (Gone("no", status=410), ": remove it, or find its new feed"),
                (Unreadable("no"), ""),
            )
        ),
    ],
)
def test_advice(visit: Visit, expected: list[str]) -> None:
    """What to do about what was seen, in words; nothing where all is well."""
    assert list(advice(visit, NOW)) == expected


@pytest.mark.parametrize(
    ("visit", "cells"),
    [
        (GOOD, ["yes", "incidentio-rss", "etag: 304", "no", "0.4 kB", "4.0 kB", "24 h"]),
        (
            replace(GOOD, last_modified=True, honoured=False, fresh=300.0, newest=None),
            ["yes", "incidentio-rss", "etag date: ignored", "5 min", "0.4 kB", "4.0 kB", ""],
        ),
        (
            replace(
                GOOD, dialect="generic-rss", etag=False, newest=datetime(2026, 1, 1, tzinfo=UTC)
            ),
            ["yes", "generic-rss, not incidentio", "none", "no", "0.4 kB", "4.0 kB", "63 d"],
        ),
        (replace(GOOD, kept=False, honoured=None), ["yes", "incidentio-rss", "no-store"]),
        (replace(GOOD, status=404, error=PageError("no")), ["404", "", ""]),
        (replace(GOOD, error=PageError("no")), ["no", "", ""]),
    ],
)
def test_a_line_of_the_table(visit: Visit, cells: list[str]) -> None:
    """What stands in each column."""
    row = [getattr(cell, "text", cell) for cell in network._row(visit, NOW)]
    assert row[: len(cells) + 1] == ["ex", *cells]
