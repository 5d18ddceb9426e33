"""When notifications are delivered: days of it in an instant, on a clock that leaps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status.models import Event
from efficient_status.notify import Target
from efficient_status.notify import courier as module
from efficient_status.notify.child import Delivery, Outcome
from efficient_status.notify.courier import Courier
from efficient_status.notify.outbox import FILE, Outbox
from tests.faults.hours import EPOCH, Loop
from tests.outputs.events import event

OPS = Target("ops", command=("true",), batch_seconds=10, rate=2)
HOUR, DAY = 3_600.0, 86_400.0
DELIVERED = Delivery(Outcome.DELIVERED)
FAILED = Delivery(Outcome.FAILED, "HTTP 503")
REFUSED = Delivery(Outcome.REFUSED, "HTTP 404")
UNFIT = Delivery(Outcome.UNFIT, "HTTP 400")

# What a receiver says to these incidents, so many seconds after the start.
Receiver = Callable[[Sequence[str], float], Delivery]


@dataclass
class Life:
    """An outbox, its courier, and a receiver in the place of children."""

    folder: Path
    loop: Loop
    receiver: Receiver = lambda _ids, _at: DELIVERED
    target: Target = OPS
    tried: list[tuple[float, list[str]]] = field(default_factory=list)
    took: float = 0.0
    ahead: float = 0.0  # seconds by which the wall clock is ahead of where the first run began

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.folder / FILE, [self.target], clock=self.clock)
        self.courier = Courier(
            self.outbox, deliver=self.deliver, clock=self.clock, dice=lambda: 0.0
        )

    def clock(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self.ahead + self.loop.time()

    async def deliver(self, target: Target, lines: Sequence[str]) -> Delivery:
        """See `child.deliver`."""
        assert target.name == "ops"
        ids = [json.loads(line)["incident"] for line in lines]
        self.tried.append((round(self.loop.time(), 1), ids))
        await asyncio.sleep(self.took)
        return self.receiver(ids, self.loop.time())

    async def tell(self, *ids: str) -> None:
        """Tell an event of each of these incidents."""
        for each in ids:
            await self.outbox.tell(event(id=each))

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self.outbox.boxes["ops"].waiting)


Script = Callable[[Life], Coroutine[Any, Any, None]]


def live(folder: Path, script: Script, **more: Any) -> Life:
    """Play a script; the outbox is closed afterwards."""
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        life = Life(folder, loop, **more)
        with closing(life.outbox):
            runner.run(script(life))
    return life


def watched(folder: Path, *script: tuple[float, Sequence[str]], **more: Any) -> Life:
    """Tell these incidents, each after so many seconds, while it watches; then nothing more."""

    async def work(life: Life) -> None:
        async with life.courier:
            for seconds, ids in script:
                await asyncio.sleep(seconds)
                await life.tell(*ids)

    return live(folder, work, **more)


def test_what_comes_together_is_one_message(tmp_path: Path) -> None:
    """The first event opens a window; what comes within it goes along, what comes later does not."""
    life = watched(tmp_path, (0, "ab"), (9, "c"), (2, "d"), (60, ""))

    assert life.tried == [(10, ["a", "b", "c"]), (21, ["d"])]
    assert life.waiting == 0


def test_no_more_than_the_rate_and_nothing_dropped(tmp_path: Path) -> None:
    """Two messages a minute: what comes more often waits, and is joined."""
    script = [(11.0, each) for each in "abcdefgh"]
    life = watched(tmp_path, *script, (120, ""))

    times = [at for at, _ in life.tried]
    assert all(later - at >= 59.9 for at, later in zip(times, times[2:], strict=False))
    assert [id_ for _, ids in life.tried for id_ in ids] == list("abcdefgh")


def test_a_message_has_no_more_than_fifty_events(tmp_path: Path) -> None:
    """A flood of open incidents at first contact is a few messages."""
    ids = [str(number) for number in range(120)]
    life = watched(tmp_path, (0, ids), (300, ""))

    assert [len(batch) for _, batch in life.tried] == [50, 50, 20]
    assert [id_ for _, batch in life.tried for id_ in batch] == ids


def test_a_failure_is_retried_ever_more_rarely_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """5 s, doubling up to an hour, within the rate; one line, and one when it is over."""
    life = watched(
        tmp_path,
        (0, "a"),
        (6 * HOUR, ""),
        receiver=lambda _ids, at: FAILED if at < 5 * HOUR else DELIVERED,
    )
    waits = [
        round(later - at) for (at, _), (later, _) in zip(life.tried, life.tried[1:], strict=False)
    ]

    assert waits[:5] == [5, 55, 20, 40, 80]  # the third has to wait for the rate
    assert waits[-3:] == [HOUR, HOUR, HOUR]
    assert life.waiting == 0
    assert caplog.messages == [
        "notify: ops: not delivered (HTTP 503): 1 event waiting, tried again in 5 s",
        "notify: ops: delivered again",
    ]


def test_a_back_off_holds_over_restarts_but_not_over_clocks_that_leap(tmp_path: Path) -> None:
    """The next run waits for what is left of it; what is further ahead than an hour is not believed."""

    async def fail_often(life: Life) -> None:
        async with life.courier:
            await life.tell("a")
            await asyncio.sleep(2 * HOUR)

    async def go_on(life: Life) -> None:
        async with life.courier:
            await asyncio.sleep(2 * HOUR)

    first = live(tmp_path, fail_often, receiver=lambda _ids, _at: FAILED)
    second = live(tmp_path, go_on, ahead=2 * HOUR)
    wait = first.tried[-1][0] - first.tried[-2][0]
    assert 2 * HOUR + second.tried[0][0] == pytest.approx(
        first.tried[-1][0] + min(2 * wait, HOUR), abs=1
    )

    live(tmp_path, lambda life: life.tell("b"))
    with closing(Outbox(tmp_path / FILE, [OPS])) as outbox:
        box = outbox.boxes["ops"]
        outbox.spare(box, box.rest._replace(failures=3, until=EPOCH + 5 * DAY))
    assert watched(tmp_path, (60, "")).waiting == 0


def test_a_wrong_target_is_said_once_and_tried_every_hour(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the failures before may have been of another kind."""
    life = watched(
        tmp_path,
        (0, "a"),
        (4 * HOUR + 120, ""),
        receiver=lambda _ids, at: FAILED if at < 60 else REFUSED,
    )

    assert [round(at / HOUR) for at, _ in life.tried[2:]] == [0, 1, 2, 3, 4]
    assert caplog.messages[1:] == [
        "notify: ops: refused (HTTP 404); put its target right: 1 event waiting, tried again every hour"
    ]


def test_one_event_that_is_not_accepted_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that is refused for what it says is taken apart."""
    life = watched(
        tmp_path,
        (0, "abc"),
        (300, "d"),
        (2 * HOUR, ""),
        receiver=lambda ids, _at: UNFIT if "b" in ids else DELIVERED,
    )

    assert [ids for at, ids in life.tried if at < 1000] == [
        ["a", "b", "c"], ["a"], ["b"], ["c"], ["d"],
    ]  # fmt: skip
    assert [ids for at, ids in life.tried if at > 1000] == [["b"], ["b"]]
    assert caplog.messages == [
        "notify: ops: an event is not accepted (HTTP 400), tried again every hour"
    ]


@pytest.mark.parametrize("answer", [FAILED, REFUSED, UNFIT], ids=["failed", "refused", "unfit"])
def test_after_a_week_it_is_given_up_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: Delivery
) -> None:
    """Not before; and what is newer stays."""
    life = watched(
        tmp_path, (0, "a"), (6 * DAY, "b"), (1.5 * DAY, ""), receiver=lambda _ids, _at: answer
    )

    assert life.waiting == 1
    assert max(at for at, ids in life.tried if "a" in ids) >= 7 * DAY
    assert caplog.messages[-1] == f"notify: ops: given up after a week: 1 event ({answer.reason})"


def test_a_clock_that_leaps_gives_nothing_up(tmp_path: Path) -> None:
    """A year ahead for a moment, and a receiver that is down in that moment."""
    live(tmp_path, lambda life: life.tell("a"))

    life = watched(tmp_path, (60, ""), receiver=lambda _ids, _at: FAILED, ahead=365 * DAY)
    assert life.waiting == 1


def test_told_to_end_it_finishes_what_it_has_begun_and_begins_no_more(tmp_path: Path) -> None:
    """Within its grace; the rest stays for the next run."""

    async def work(life: Life) -> None:
        async with life.courier:
            await life.tell("a")
            await asyncio.sleep(10.1)
            await life.tell("b")

    life = live(tmp_path, work, took=1.0)
    assert life.tried == [(10, ["a"])]
    assert life.waiting == 1


def test_a_delivery_that_outlasts_the_grace_is_left_to_the_next_run(tmp_path: Path) -> None:
    """It may have arrived, so it may arrive twice, but not never."""

    async def work(life: Life) -> None:
        async with life.courier:
            await life.tell("a")
            await asyncio.sleep(10.1)

    life = live(tmp_path, work, took=60.0)
    assert life.loop.time() < 10.1 + module.GRACE + 1
    assert life.waiting == 1


def once(life: Life) -> Coroutine[Any, Any, None]:
    return life.courier.drain()


def test_a_cron_run_delivers_at_once_in_one_message(tmp_path: Path) -> None:
    """It waits for no window; what earlier runs left goes along."""

    async def work(life: Life) -> None:
        await life.tell("b", "c")
        await life.courier.drain()

    live(tmp_path, lambda life: life.tell("a"))
    life = live(tmp_path, work)

    assert life.tried == [(0, ["a", "b", "c"])]


def test_a_cron_run_leaves_what_fails_with_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One try; a wrong target is said by the first run alone, unless there is more."""

    async def tell_and_drain(life: Life) -> None:
        await life.tell("a")
        await life.courier.drain()

    said: list[list[str]] = []
    for script, answer in [(tell_and_drain, FAILED), (once, REFUSED), (once, REFUSED)]:
        caplog.clear()
        life = live(
            tmp_path,
            script,
            receiver=lambda _ids, _at, answer=answer: answer,
            ahead=2 * HOUR * len(said),
        )
        assert len(life.tried) == 1
        said.append(list(caplog.messages))

    assert said == [
        ["notify: ops: 1 event left to the next run (HTTP 503)"],
        ["notify: ops: 1 event left to the next run (HTTP 404)"],
        [],
    ]


def test_a_cron_run_ends_though_a_receiver_does_not_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a minute at most, for all targets."""

    async def work(life: Life) -> None:
        await life.tell("a")
        await life.courier.drain()

    life = live(tmp_path, work, took=1e6)

    assert life.loop.time() <= module.ONCE + 1
    assert caplog.messages == ["notify: ops: 1 event left to the next run"]


def test_a_bug_in_a_delivery_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a failure like others, and said as what it is."""

    def broken(_ids: Sequence[str], at: float) -> Delivery:
        if at < 60:
            raise ZeroDivisionError
        return DELIVERED

    life = watched(tmp_path, (0, "a"), (300, ""), receiver=broken)

    assert life.waiting == 0
    assert "a bug in efficient_status (ZeroDivisionError), please report it" in caplog.messages[0]


def test_targets_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """One that hangs, one that is well."""
    got: list[str] = []

    async def slow_or_not(target: Target, _lines: Sequence[str]) -> Delivery:
        if target.name == "hangs":
            await asyncio.sleep(1e6)
        got.append(target.name)
        return DELIVERED

    async def work() -> None:
        targets = [replace(OPS, name="hangs"), OPS]
        with closing(Outbox(tmp_path / FILE, targets)) as outbox:
            async with Courier(outbox, deliver=slow_or_not):
                await outbox.tell(_event())
                await asyncio.sleep(100)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work())
    assert got == ["ops"]


def _event() -> Event:
    return event()
