"""Packages that add dialects and vendors: the documented example, installed, and every mistake."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from efficient_status import plugins
from efficient_status.providers import DIALECTS
from tests.app import cli, objects
from tests.feeds import Report, incidentio
from tests.origin import Origin

DOCUMENT = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text("utf-8")
PROJECT = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)[0]
MODULE = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0]


def beacon(*titles: str) -> str:
    """A feed of the documented platform."""
    items = "".join(
        f"<item><title>{title}</title><guid>{title[-4:]}</guid><category>EU</category>"
        "<category>Cart</category><pubDate>Wed, 04 Mar 2026 09:12:00 GMT</pubDate>"
        "<description>We &lt;b&gt;look&lt;/b&gt;.</description></item>"
        for title in titles
    )
    head = (
        "<title>Shop</title><link>https://status.shop.example</link><generator>Beacon</generator>"
    )
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'


def written(folder: Path, module: str, name: str = "beacon") -> str:
    """A package as installers leave it; returns what PYTHONPATH must say."""
    path = folder / "site"
    info = path / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[efficient_status.providers]\n{name} = status_of_{name}\n"
    )
    (path / f"status_of_{name}.py").write_text(module, "utf-8")
    return f"{path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"


def installed(folder: Path) -> str:
    """The documented package, built and installed by pip; returns what PYTHONPATH must say."""
    if not importlib.util.find_spec("hatchling") or not importlib.util.find_spec("pip"):
        pytest.skip("no pip and hatchling here to build the package without a network")
    source = folder / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT, "utf-8")
    (source / "status_of_beacon.py").write_text(MODULE, "utf-8")
    path = folder / "site"
    pip = [sys.executable, "-W", "ignore", "-m", "pip", "install", "-q", "--no-index"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", str(path), str(source)],
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONWARNINGS": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return f"{path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"


def shop(folder: Path, url: str) -> str:
    """The documented vendor, its feed on loopback; returns the file."""
    file = folder / "mine.toml"
    row = f'{{ key = "mine", name = "Mine", platform = "beacon", feed = "{url}" }}'
    file.write_text(f"providers = [{row}]", "utf-8")
    return str(file)


@pytest.mark.parametrize("way", ["written", "installed"])
def test_the_documented_example_works(origin: Origin, tmp_path: Path, way: str) -> None:
    """Its vendor is listed and watched, by its alias, with its rules, as its dialect reads it."""
    origin.page("/feed.rss").serve(beacon("IDENTIFIED | major | Checkout is slow"), etag=True)
    module = MODULE.replace("https://status.shop.example/feed.rss", origin.url("/feed.rss"))
    path = written(tmp_path, module) if way == "written" else installed(tmp_path)
    file = shop(tmp_path, origin.url("/feed.rss"))

    listed = cli(tmp_path, "list", "shop", "--json", PYTHONPATH=path)
    own = cli(tmp_path, "--once", "--config", file, "--format", "json", PYTHONPATH=path)

    assert "example-shop" in {row["key"] for row in json.loads(listed.stdout)}
    assert own.stderr == ""
    [event] = objects(own.stdout)
    assert (event["title"], event["impact"], event["state"]) == (
        "Checkout is slow", "major", "identified",
    )  # fmt: skip
    assert (event["components"], event["message"]) == (["Cart", "EU"], "We look.")
    if way == "written":
        arguments = ("shop", "--once", "--format", "json", "--state-dir", ":memory:")
        [event] = objects(cli(tmp_path, *arguments, PYTHONPATH=path).stdout)
        assert (event["provider"], event["product"]) == ("example-shop", "Checkout")


def test_the_documented_package_is_what_the_test_writes() -> None:
    """Its entry point is the one that `written` makes."""
    points = tomllib.loads(PROJECT)["project"]["entry-points"]
    assert points == {"efficient_status.providers": {"beacon": "status_of_beacon"}}


def test_plugins_are_loaded_only_when_they_are_needed(origin: Origin, tmp_path: Path) -> None:
    """A vendor of the package, a feed, a page of the user's own: none of them needs one."""
    path = written(tmp_path, "raise RuntimeError('loaded')")
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    url = origin.url("/a")
    file = tmp_path / "mine.toml"
    rows = [f'{{ key = "{key}", feed = "{url}?{key}" }}' for key in ("openai", "own")]
    file.write_text(f"providers = [{', '.join(rows)}]", "utf-8")
    quiet = [("--once", "--feed", url), ("--once", "--config", str(file)), ("check", "claude")]
    loud = [("check", "--all"), ("check", "--group", "ai"), ("list", "claude"), ("check", "opnai")]

    for words in quiet:
        assert "loaded" not in cli(tmp_path, *words, PYTHONPATH=path).stderr, words
    for words in loud:
        assert cli(tmp_path, *words, PYTHONPATH=path).stderr.count("RuntimeError: loaded") == 1, (
            words
        )


VENDOR = '{"feed": "https://status.shop.example/feed"}'
BROKEN = [
    ("raise RuntimeError('no\\nway')", "cannot be loaded (RuntimeError: no way)"),
    ("import nowhere", "cannot be loaded (ModuleNotFoundError: No module named 'nowhere')"),
    ("raise SystemExit(1)", "cannot be loaded (SystemExit: 1)"),
    ("VENDORS = 5", "cannot be loaded (AttributeError: 'int' object has no attribute 'items')"),
    ("VENDORS = {'x': 5}", "cannot be loaded (AttributeError: 'int' object has no attribute 'items')"),
    ("DIALECTS = {'x': 5}", "cannot be loaded (AttributeError: "),
    ("VENDORS = {'x': {}}", "x.feed: is missing"),
    ("VENDORS = {'x': {'feed': 'x'}}", "x.feed: expected an http(s) URL, got 'x'"),
    ("VENDORS = {'x': {'feed': 'https://a.test', 'nme': 1}}", "x.nme: unknown key; known are name, "),
    (f"VENDORS = {{'openai': {VENDOR}}}", "vendor «openai»: the name is taken"),
    (f"VENDORS = {{'claude': {VENDOR}}}", "vendor «claude»: the name is taken"),
    (f"VENDORS = {{'a b': {VENDOR}}}", "'a b' is no key"),
    (f"VENDORS = {{'x': {VENDOR}, 'y': dict({VENDOR}, aliases=['x'])}}", "vendor «x»: the name is taken"),
    ("import efficient_status.providers as p\nDIALECTS = {'slack': p.DIALECTS['generic']}",
     "platform «slack»: the name is taken"),
    ("import efficient_status.providers as p\nDIALECTS = {'apple': p.DIALECTS['generic']}",
     "platform «apple»: the name is taken"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "said"), BROKEN)
def test_a_mistake_is_one_line(tmp_path: Path, module: str, said: str) -> None:
    """What is wrong is left out; the rest is as ever."""
    done = cli(tmp_path, "list", "openai", PYTHONPATH=written(tmp_path, module))

    assert done.returncode == 0
    assert done.stdout.startswith("openai\tOpenAI\t")
    assert done.stderr.startswith(f"efficient-status: plugin beacon: {said}")
    assert done.stderr.count("\n") == 1


def test_a_dialect_with_bugs_costs_its_own_pages(origin: Origin, tmp_path: Path) -> None:
    """Its evidence is asked for every page, so that must not stop them; its items cost themselves."""
    module = MODULE.replace(
        '"generator Beacon" if',
        'document.oops if "AI" in document.head.title else "generator Beacon" if',
    )
    path = written(tmp_path, module)
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    feed = beacon("RESOLVED | major | Fine", "IDENTIFIED | terrible | Checkout", "what")
    origin.page("/b").serve(feed, etag=True)
    others = (
        beacon("Maintenance").replace("Shop", "AI").replace("<generator>Beacon</generator>", "")
    )
    for path_ in ("/c", "/d"):
        origin.page(path_).serve(others, etag=True)
    file = tmp_path / "mine.toml"
    rows = [f'{{ key = "{key}", feed = "{origin.url(f"/{key}")}" }}' for key in "acd"]
    rows.append(f'{{ key = "b", feed = "{origin.url("/b")}", platform = "beacon" }}')
    file.write_text(f"providers = [{', '.join(rows)}]", "utf-8")

    done = cli(tmp_path, "--once", "--config", str(file), "--format", "json", PYTHONPATH=path)

    assert done.returncode == 0
    assert sorted((e["provider"], e["title"]) for e in objects(done.stdout)) == [
        ("a", "Slow answers"),
        ("b", "Fine"),
        ("c", "Maintenance"),
        ("d", "Maintenance"),
    ]
    lines = done.stderr.splitlines()
    assert sum("skipped" in line for line in lines) == 2
    assert (
        sum("platform beacon: a bug in its plugin (AttributeError" in line for line in lines) == 1
    )
    assert all("Traceback" not in line for line in lines)


def test_what_a_plugin_reads_cannot_move_the_cursor(origin: Origin, tmp_path: Path) -> None:
    """Whoever has read it, what is printed is plain text."""
    module = MODULE.replace("title=title", 'title=title + "\\x1b[2J\\n[x] Forged"').replace(
        "url=item.link", 'url="javascript:1"'
    )
    path = written(tmp_path, module)
    origin.page("/a").serve(beacon("IDENTIFIED | major | Checkout"), etag=True)

    done = cli(tmp_path, "--once", "--config", shop(tmp_path, origin.url("/a")), PYTHONPATH=path)

    assert "\x1b" not in done.stdout
    assert "javascript" not in done.stdout
    assert "\nStatus: Checkout" in done.stdout
    assert "\n[x] Forged" not in done.stdout


def test_joining_that_fails_joins_nothing() -> None:
    """An item is then an incident of its own."""
    dialect = DIALECTS["generic"]._replace(joins=lambda id_: {"a-1": "a"}[id_])
    try:
        assert list(plugins._add_dialects({"joining": dialect})) == []
        joins = DIALECTS["joining"].joins
        assert list(DIALECTS)[-1] == "generic"
    finally:
        DIALECTS.pop("joining", None)

    assert joins is not None
    assert [joins("a-1"), joins("b-2")] == ["a", "b-2"]
