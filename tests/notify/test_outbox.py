"""The outbox: each event once, for those whom it concerns, on disk until it was delivered."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import database
from efficient_status.errors import StateError
from efficient_status.models import Event, Filters, Happening, Impact, State
from efficient_status.notify import Target
from efficient_status.notify.outbox import FILE, KEEP, Outbox
from efficient_status.poller import FanOut
from tests.faults.test_disk import Disk, damaged
from tests.outputs.events import event

OPS = Target("ops", command=("true",))
NEW = event()
UPDATE = replace(event(state=State.IDENTIFIED), happening=Happening.UPDATE)
END = replace(event(state=State.RESOLVED, impact=None), happening=Happening.RESOLVED)


def box(folder: Path, *targets: Target, **more: Any) -> Outbox:
    """The outbox of a folder."""
    return Outbox(folder / FILE, targets or [OPS], **more)


def tell(outbox: Outbox, *events: Event) -> None:
    """Tell all of these."""

    async def work() -> None:
        for each in events:
            await outbox.tell(each)

    asyncio.run(work())


def waiting(outbox: Outbox, name: str = "ops") -> list[str]:
    """What happened, of all that waits for a target."""
    return [line.line.split('"')[3] for line in outbox.boxes[name].waiting]


def test_an_event_that_is_told_again_is_taken_once(tmp_path: Path) -> None:
    """Whether it still waits, was read from disk, or was delivered; whenever it is seen."""
    again = replace(NEW, seen_at=NEW.seen_at.replace(hour=23))
    with closing(box(tmp_path)) as outbox:
        tell(outbox, NEW, again)
        assert waiting(outbox) == ["new"]
    with closing(box(tmp_path)) as outbox:
        tell(outbox, again)
        assert waiting(outbox) == ["new"]
        outbox.done(outbox.boxes["ops"], outbox.boxes["ops"].waiting)
        tell(outbox, again)
        assert waiting(outbox) == []
    with closing(box(tmp_path)) as outbox:
        tell(outbox, again, UPDATE)
        assert waiting(outbox) == ["update"]


def test_an_output_that_fails_repeats_no_notification(tmp_path: Path) -> None:
    """What cannot be written to stdout is told at every poll; the outbox, asked first, knows it."""

    class Full:
        async def tell(self, _event: Event) -> None:
            raise OSError(28, "No space left on device")

    async def work(outbox: Outbox) -> int:
        delivered = 0
        for _ in range(3):
            with pytest.raises(OSError, match="No space"):
                await FanOut(outbox, Full()).tell(NEW)
            delivered += len(outbox.boxes["ops"].waiting)
            outbox.done(outbox.boxes["ops"], outbox.boxes["ops"].waiting)
        return delivered

    with closing(box(tmp_path)) as outbox:
        assert asyncio.run(work(outbox)) == 1


def test_first_contact_delivers_what_is_open_alone(tmp_path: Path) -> None:
    """The closed incidents that are told then, and those of unknown state, are no news."""
    with closing(box(tmp_path)) as outbox:
        for state in State:
            tell(outbox, replace(event(id=state.value, state=state), first=True))
        told = [each.line for each in outbox.boxes["ops"].waiting]
        tell(outbox, event(id="late", state=State.RESOLVED))

    closed = [state for state in State if state.closed or state is State.UNKNOWN]
    assert len(told) == len(State) - len(closed)
    assert not any(f'"incident": "{state.value}"' in line for state in closed for line in told)
    assert len(waiting(outbox)) == len(told) + 1, "later, what is reported afterwards is news"


def test_each_target_gets_what_it_wants(tmp_path: Path) -> None:
    """Pages, happenings and filters, each by itself."""
    targets = [
        OPS,
        replace(OPS, name="page", pages=frozenset({"example"})),
        replace(OPS, name="other", pages=frozenset({"other"})),
        replace(OPS, name="ends", events=frozenset({Happening.RESOLVED})),
        replace(OPS, name="critical", filters=Filters(min_impact=Impact.CRITICAL)),
    ]
    with closing(box(tmp_path, *targets)) as outbox:
        tell(outbox, NEW, END)
        got = {name: waiting(outbox, name) for name in outbox.boxes}

    both = ["new", "resolved"]
    # The end states no impact, which is no reason to be silent (see `filters`).
    assert got == {
        "ops": both, "page": both, "other": [], "ends": both[1:], "critical": both[1:],
    }  # fmt: skip


def test_who_was_told_of_an_incident_is_told_of_its_end(tmp_path: Path) -> None:
    """Pages drop components at the end, and lower the impact; also when it was delivered long ago."""
    picky = replace(OPS, filters=Filters(min_impact=Impact.MAJOR))
    end = replace(END, incident=replace(END.incident, impact=Impact.NONE))
    stranger = replace(end, incident=replace(end.incident, id="another"))
    with closing(box(tmp_path, picky)) as outbox:
        tell(outbox, NEW)
        outbox.done(outbox.boxes["ops"], outbox.boxes["ops"].waiting)
    with closing(box(tmp_path, picky)) as outbox:
        tell(outbox, end, stranger)
        assert waiting(outbox) == ["resolved"]
        assert END.incident.id in outbox.boxes["ops"].waiting[0].line


def test_a_new_target_gets_no_history(tmp_path: Path) -> None:
    """What was told before it was configured is not for it; what is left of another one waits."""
    with closing(box(tmp_path)) as outbox:
        tell(outbox, NEW)
    with closing(box(tmp_path, replace(OPS, name="more"))) as outbox:
        tell(outbox, UPDATE)
        assert waiting(outbox, "more") == ["update"]
    with closing(box(tmp_path)) as outbox:
        assert waiting(outbox) == ["new"]


def test_what_was_delivered_is_forgotten_one_day(tmp_path: Path) -> None:
    """The file does not grow for ever, not by what waits for nobody that is configured either."""
    now = [0.0]
    with closing(box(tmp_path, replace(OPS, name="old"), clock=lambda: now[0])) as outbox:
        tell(outbox, NEW)
    with closing(box(tmp_path, clock=lambda: now[0])) as outbox:
        for number in range(3):
            tell(outbox, event(id=str(number)))
            now[0] += KEEP * 0.6
            outbox.done(outbox.boxes["ops"], outbox.boxes["ops"].waiting)
    with closing(sqlite3.connect(tmp_path / FILE)) as rows:
        assert rows.execute("SELECT count(*) FROM message").fetchone() == (1,)


def test_the_file_is_private_and_names_no_place(tmp_path: Path) -> None:
    """Mode 0600, and the target's address is not in it."""
    secret = replace(OPS, address="json://user:secret-token@127.0.0.1/")
    with closing(box(tmp_path, secret)) as outbox:
        tell(outbox, NEW)
        files = list(tmp_path.iterdir())
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert not any(b"secret-token" in file.read_bytes() for file in files)
    assert "secret-token" not in repr(secret)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """One on which nothing can be written once `good` is 0."""
    disk = Disk(only="BEGIN", lasting=True)
    monkeypatch.setattr(database, "connect", disk.connect)
    monkeypatch.setattr(database, "RETRY_AFTER", 0.0)
    yield disk
    for each in disk.connections:
        each.close()


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.rpartition("/")[2] for message in caplog.messages]


def test_a_full_disk_loses_no_notification(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """Delivered from memory and known there; said once; written when there is room."""
    with closing(box(tmp_path)) as outbox:
        disk.good, disk.count = 0, 0
        tell(outbox, NEW, UPDATE)
        assert waiting(outbox) == ["new", "update"]
        outbox.done(outbox.boxes["ops"], outbox.boxes["ops"].waiting[:1])
        tell(outbox, NEW)
        assert waiting(outbox) == ["update"]
        assert [line.partition(" (")[0] for line in reports(caplog)] == [
            f"{FILE}: cannot be written"
        ]
        disk.good, disk.hit = -1, False
        outbox.flush()
    with closing(box(tmp_path)) as outbox:
        tell(outbox, NEW)
        assert waiting(outbox) == ["update"]


def test_what_waits_and_cannot_be_written_by_the_end_is_an_error(
    tmp_path: Path, disk: Disk
) -> None:
    """As for the state: one line, exit status 2."""
    outbox = box(tmp_path)
    disk.good, disk.count = 0, 0
    tell(outbox, NEW)
    with pytest.raises(StateError, match="notifications that were not delivered may be lost"):
        outbox.close()


def test_a_damaged_outbox_keeps_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is set aside, and what is in memory is written into the new one."""
    disk = Disk(error=damaged, only="BEGIN")
    monkeypatch.setattr(database, "connect", disk.connect)
    outbox = box(tmp_path)
    tell(outbox, NEW)
    disk.good, disk.count = 0, 0
    tell(outbox, UPDATE)
    assert disk.hit
    outbox.close()
    with closing(box(tmp_path)) as again:
        assert waiting(again) == ["new", "update"]
    assert any("set aside" in line for line in caplog.messages)
