"""One shot from cron: one page, unchanged; against the imports it needs, and against peers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import certifi

from benchmarks import venvs
from benchmarks.certs import make_chain
from benchmarks.meters import Run, median_run
from benchmarks.meters import run as run_command
from benchmarks.origin import Origin
from benchmarks.peers import Field, ready
from benchmarks.program import environment, prepare
from benchmarks.report import Check, Section, Table, number

TITLE = "One shot"
_FLOOR = "import httpx, hishel.httpx, tenacity, defusedxml.ElementTree; httpx.create_ssl_context()"
_REQUEST = """
import asyncio, sys
import httpx, hishel.httpx, tenacity, defusedxml.ElementTree
async def poll(url):
    transport = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context(), http2=True)
    response = await transport.handle_async_request(httpx.Request("GET", url))
    await response.aread()
    await transport.aclose()
asyncio.run(poll(sys.argv[1]))
"""
_OURS, _PLAIN, _IMPORTS, _BARE = (
    "efficient_status --once, https",
    "efficient_status --once, http",
    "only the imports and the TLS context",
    "the same, and one request of the bare transport, https",
)


def run(quick: bool) -> Section:
    rounds = 5 if quick else 15
    section = Section(
        TITLE,
        f"A process a poll, one page of 25 items, unchanged; median of {rounds} interleaved runs. "
        "The program is installed with nothing but its dependencies; the imports run in the same "
        "environment; all trust certifi's bundle and the test's own root. Peers ask over plain http, each warmed up with three runs. Memory is the peak; "
        "the launcher's own 9 MiB are its floor.",
    )
    chain = make_chain(venvs.CACHE / "work" / "cold-tls")
    trusted = chain.trusted.with_name("bundle.pem")
    trusted.write_text(Path(certifi.where()).read_text() + chain.trusted.read_text())
    with Origin(tls=(chain.shown, chain.key)) as secure, Origin() as plain:
        folder = venvs.CACHE / "work" / "cold"
        secure_program = prepare("cold-https", secure.urls(1), trusted=trusted)
        plain_program = prepare("cold-http", plain.urls(1))
        python = str(venvs.program() / "python")
        contenders: dict[str, Callable[[], Run]] = {
            _OURS: secure_program.once,
            _PLAIN: plain_program.once,
            _IMPORTS: lambda: run_command([python, "-c", _FLOOR], environment(folder, trusted)),
            _BARE: lambda: run_command(
                [python, "-c", _REQUEST, *secure.urls(1)], environment(folder, trusted)
            ),
            "python -c pass": lambda: run_command([python, "-c", "pass"], environment(folder)),
        }
        peers, missing = ready(Field(plain.urls(1), "cold"))
        contenders |= {peer.label: peer.run for peer in peers}
        unchanged = _warm_up(contenders, lambda: _unchanged(secure) + _unchanged(plain))
        found = _interleaved(contenders, rounds)
    section.missing += missing
    medians = {name: median_run(runs) for name, runs in found.items()}
    section.tables.append(_table(medians, unchanged))
    section.checks.append(
        Check("CPU of --once, times the imports and the TLS context",
              medians[_OURS].cpu / medians[_IMPORTS].cpu, 1.35)
    )  # fmt: skip
    section.data["cold"] = {name: [run.cpu for run in runs] for name, runs in found.items()}
    return section


def _unchanged(origin: Origin) -> int:
    return origin.stats()["unchanged"]


def _warm_up(
    contenders: dict[str, Callable[[], Run]], unchanged: Callable[[], int]
) -> dict[str, int]:
    """Run each three times; how many 304s it got at the last."""
    found = {}
    for name, measure in contenders.items():
        measure()
        measure()
        before = unchanged()
        measure()
        found[name] = unchanged() - before
    return found


def _interleaved(contenders: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            found[name].append(measure())
    return found


def _table(medians: dict[str, Run], unchanged: dict[str, int]) -> Table:
    rows = [
        (name, number(run.cpu), number(run.wall), number(run.rss), str(unchanged[name]),
         str(run.status))
        for name, run in medians.items()
    ]  # fmt: skip
    return Table(("one shot", "CPU ms", "wall ms", "peak MiB", "304s", "exit status"), rows)
