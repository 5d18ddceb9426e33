"""Manners towards one host."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from efficient_status.errors import Held
from efficient_status.fetch.gate import Gate

HOST, OTHER = "status.example.test", "status.other.test"


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 1_000.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]  # asyncio's own
        scheduled: Any = self._scheduled  # type: ignore[attr-defined]  # asyncio's own
        if not ready and scheduled:
            self._now = max(self._now, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]  # asyncio's own


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run with a clock that costs no time."""
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        runner.run(main)


class Visits:
    """Visitors of hosts, and when each had its turn."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.begin = asyncio.get_running_loop().time()
        self.starts: list[tuple[str, float]] = []
        self.inside = 0
        self.most = 0

    async def visit(self, name: str, takes: float = 0.0, host: str = HOST) -> None:
        """Wait for a turn, and use it for so many seconds."""
        async with self.gate.turn(host):
            now = asyncio.get_running_loop().time()
            self.starts.append((name, round(now - self.begin, 6)))
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(takes)
            finally:
                self.inside -= 1


def test_spacing() -> None:
    """Between the end of one request to a host and the next lies the pause, in their order."""

    async def main() -> None:
        visits = Visits(Gate(spacing=1.0))
        await asyncio.gather(*(visits.visit(name, takes=0.1) for name in "abcde"))

        assert visits.starts == [("a", 0), ("b", 1.1), ("c", 2.2), ("d", 3.3), ("e", 4.4)]

    run(main())


@pytest.mark.parametrize("in_flight", [1, 2, 3])
def test_in_flight(in_flight: int) -> None:
    """No more than so many requests to one host are in flight, however slow it is."""

    async def main() -> None:
        visits = Visits(Gate(spacing=0.0, in_flight=in_flight))
        await asyncio.gather(*(visits.visit(name, takes=60.0) for name in "abcdefg"))

        assert visits.most == in_flight
        assert [name for name, _ in visits.starts] == list("abcdefg")

    run(main())


def test_a_prompt_host_is_asked_one_at_a_time() -> None:
    """So that it sees one connection; one that keeps us waiting holds nobody up for long."""

    async def main() -> None:
        prompt, slow = Visits(Gate(spacing=0.0)), Visits(Gate(spacing=0.0))
        await asyncio.gather(*(prompt.visit(name, takes=0.3) for name in "abcd"))
        await asyncio.gather(*(slow.visit(name, takes=2.5) for name in "abc"))

        assert prompt.most == 1
        assert prompt.starts == [("a", 0), ("b", 0.3), ("c", 0.6), ("d", 0.9)]
        assert [(name, round(at - 1.2, 6)) for name, at in slow.starts] == [
            ("a", 0),
            ("b", 1),
            ("c", 2.5),
        ]

    run(main())


def test_slow_answers_and_spacing() -> None:
    """Both rules hold at once: slow answers hold the next request back beyond the spacing."""

    async def main() -> None:
        visits = Visits(Gate(spacing=1.0))
        await asyncio.gather(*(visits.visit(name, takes=5.0) for name in "abcd"))

        assert visits.most == 2
        assert visits.starts == [("a", 0), ("b", 1), ("c", 7), ("d", 8)]

    run(main())


def test_a_pause_is_remembered() -> None:
    """A request that comes later waits only for what is left of the spacing."""

    async def main() -> None:
        visits = Visits(Gate(spacing=1.0))
        await visits.visit("a", takes=0.25)
        await visits.visit("b", takes=2.0)
        await visits.visit("c")

        assert visits.starts == [("a", 0), ("b", 1.25), ("c", 4.25)]

    run(main())


def test_hosts_are_apart() -> None:
    """One host's line is not another's."""

    async def main() -> None:
        visits = Visits(Gate(spacing=1.0, in_flight=1))
        hosts = {"a": HOST, "b": HOST, "x": OTHER, "y": OTHER}
        await asyncio.gather(*(visits.visit(*each) for each in _visitors(hosts, takes=0.5)))

        assert visits.starts == [("a", 0), ("x", 0), ("b", 1.5), ("y", 1.5)]

    run(main())


def _visitors(hosts: dict[str, str], takes: float) -> list[tuple[str, float, str]]:
    return [(name, takes, host) for name, host in hosts.items()]


@pytest.mark.parametrize(
    ("spacing", "host", "expected"),
    [
        (None, HOST, 1.0),
        (None, "127.0.0.1", 0.0),
        (None, "::1", 0.0),
        (None, "localhost", 0.0),
        (0.0, HOST, 0.0),
        (0.5, "127.0.0.1", 0.5),
        (2.0, HOST, 2.0),
    ],
)
def test_default_spacing(spacing: float | None, host: str, expected: float) -> None:
    """Without a wish it is a second, and nothing on this machine; a wish holds everywhere."""

    async def main() -> None:
        visits = Visits(Gate(spacing))
        await visits.visit("a", host=host)
        await visits.visit("b", host=host)

        assert visits.starts == [("a", 0), ("b", expected)]

    run(main())


@pytest.mark.parametrize(
    ("victim", "moment", "starts"),
    [
        (1, 0.5, {"a": 0, "c": 1, "d": 11}),
        (1, 1.5, {"a": 0, "b": 1, "c": 2.5, "d": 10}),
        (2, 4.0, {"a": 0, "b": 1, "d": 11}),
    ],
    ids=["in its pause", "in its turn", "in line"],
)
def test_cancelled(victim: int, moment: float, starts: dict[str, float]) -> None:
    """A visitor that is cancelled, wherever it stands, costs those behind it no turn."""

    async def main() -> None:
        visits = Visits(Gate(spacing=1.0))
        tasks = [asyncio.create_task(visits.visit(name, takes=9.0)) for name in "abcd"]
        await asyncio.sleep(moment)
        tasks[victim].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        assert tasks[victim].cancelled()
        assert dict(visits.starts) == starts
        assert visits.most == 2

    run(main())


def test_a_host_that_wants_rest_gets_it() -> None:
    """Those who already stand in line are turned away, not sent; afterwards all is as before."""

    async def main() -> None:
        gate = Gate(spacing=1.0)
        visits = Visits(gate)
        line = [asyncio.create_task(visits.visit(name, takes=0.5)) for name in "abc"]
        await asyncio.sleep(0.2)
        gate.hold(HOST, 60)
        done = await asyncio.gather(*line, return_exceptions=True)
        await visits.visit("x", host=OTHER)
        await asyncio.sleep(60)
        await visits.visit("d")

        assert [type(each) for each in done] == [type(None), Held, Held]
        assert [name for name, _ in visits.starts] == ["a", "x", "d"]

    run(main())


def test_a_failure_frees_the_turn() -> None:
    """A request that fails lets the next one in."""

    async def main() -> None:
        gate = Gate(spacing=0.0, in_flight=1)
        for _ in range(3):
            with pytest.raises(OSError, match="reset"):
                async with gate.turn(HOST):
                    raise OSError("reset")
        visits = Visits(gate)
        await asyncio.wait_for(visits.visit("a"), 1)

        assert visits.starts == [("a", 0)]

    run(main())


def test_hosts_that_redirects_led_to_are_not_remembered_for_ever() -> None:
    """Only those that still hold something: a visitor, a pause, or a wish to be left alone."""

    async def main() -> None:
        gate = Gate(1.0)
        gate.hold(OTHER, 1e9)
        for number in range(2_500):
            async with gate.turn(f"h{number}.example.test"):
                await asyncio.sleep(1)
        assert len(gate._lanes) <= 256 + 1
        with pytest.raises(Held):
            async with gate.turn(OTHER):
                pass

    run(main())
