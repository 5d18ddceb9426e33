"""Command line: wishes in, parts wired, exit status out.  With no command word it watches.

Exit status (contract): 0 fine · 1 with --once, some page could not be read · 2 wrong usage or
configuration, or a state folder that cannot be used: at the start, or at the end, when what was
told could not be written and so may be told again · 3 another run holds the state folder ·
130 after SIGINT.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from efficient_status import options
from efficient_status.commands import COMMANDS
from efficient_status.config import Settings
from efficient_status.database import MEMORY
from efficient_status.errors import StateError, StateInUse, UsageError
from efficient_status.figures import counted
from efficient_status.keys import LOG_FORMATS
from efficient_status.stderr import Stderr
from efficient_status.urls import bare, is_loopback

if TYPE_CHECKING:
    from efficient_status.lock import Lock
    from efficient_status.notify.outbox import Outbox

logger = logging.getLogger("efficient_status")
_STDERR = Stderr(encoding=sys.stderr.encoding if sys.stderr else "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    signal.signal(signal.SIGTERM, _terminated)
    _fill_closed_descriptors()
    _log_to_stderr(verbose=False, quiet=False)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if sys.stdout is None:
            raise UsageError(["stdout is closed: there is nowhere to write to"])  # noqa: TRY301
        command = COMMANDS.get(words[0]) if words else None
        return command(words[1:]) if command else _watching(words)
    except UsageError as error:
        return _fail(error.problems, 2)
    except StateInUse as error:
        return _fail([str(error)], 3)
    except StateError as error:
        return _fail([str(error)], 2)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130


def _watching(words: Sequence[str]) -> int:
    asked = options.watching().parse_intermixed_args(words)
    _log_to_stderr(verbose=asked.verbose, quiet=asked.quiet)
    if asked.log_format in LOG_FORMATS:  # mistakes too are said in it
        _STDERR.shape(asked.log_format)
    settings = options.settings(asked, reserved=COMMANDS)
    _STDERR.shape(settings.log_format)
    _warn_of_haste(settings)
    return _run(settings, once=asked.once)


def _fail(problems: Sequence[str], status: int) -> int:
    for problem in problems:
        logger.error(problem, extra={"event": "wrong", "exit": status})
    return status


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM before the loop runs, or after it."""
    raise SystemExit(0)


def _fill_closed_descriptors() -> None:
    """What was closed (`2>&-`) leads nowhere, so that no file of ours gets its number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    _STDERR.shape("text")
    logger.handlers = [_STDERR]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


def _warn_of_haste(settings: Settings) -> None:
    from urllib.parse import urlsplit

    hosts = (urlsplit(provider.feed).hostname or "" for provider in settings.providers)
    if settings.interval < 10 and not all(is_loopback(host) for host in hosts):
        logger.warning(
            "--interval %g: asking other people's servers more often than every 10 s is rude",
            settings.interval,
        )


def _run(settings: Settings, *, once: bool) -> int:
    from efficient_status.lock import Lock

    gc.disable()  # what start-up makes lives to the end: looking through it is a fifth of a cron run
    lock = Lock(settings.state_dir) if settings.state_dir else None
    try:
        return asyncio.run(_work(settings, lock, once=once))
    finally:
        gc.freeze()  # nor is it worth a look on the way out
        if lock is not None:
            lock.release()


async def _work(settings: Settings, lock: Lock | None, *, once: bool) -> int:
    """Wire the parts, run until the work is done or a signal comes, and put all away."""
    from contextlib import nullcontext

    from efficient_status.detect import Wishes
    from efficient_status.ledger import Ledger
    from efficient_status.outputs import FORMATS, Console
    from efficient_status.parts import CACHE, fetcher_for
    from efficient_status.poller import FanOut, Page, Poller
    from efficient_status.scheduler import Scheduler
    from efficient_status.state import open_state

    outbox = _outbox(settings) if settings.notify else None
    state = open_state(settings.state_dir)
    cache = settings.state_dir / CACHE if settings.state_dir else MEMORY
    fetcher = fetcher_for(settings, cache, keepalive=_keepalive(settings.interval))
    try:
        console = Console(
            sys.stdout.fileno(),
            FORMATS[settings.format](UTC if settings.utc else None),
            encoding="utf-8" if settings.format == "json" else sys.stdout.encoding,
        )
        pages = [
            Page(each, state.pacing(each.key, bare(each.feed)), state.identity(each.key))
            for each in settings.providers
        ]
        pending = outbox.pending if outbox else None
        shown = _instruments(settings, pages, state, console, once=once, pending=pending)
        output = shown.output if shown else console
        poller = Poller(
            fetcher,
            state,
            FanOut(outbox, output) if outbox else output,
            wishes=Wishes(settings.backfill, settings.edits),
            limits=settings.limits,
        )
        books = [Ledger(state)] if lock else []
        async with shown or nullcontext():
            scheduler = Scheduler(
                pages,
                poller,
                state,
                interval=settings.interval,
                observers=[*(shown.observers if shown else ()), *books],
                beat=lock.known if lock else lambda _moment: None,
            )
            work = (
                _once(scheduler, outbox)
                if once
                else _watch(scheduler, outbox, len(pages), settings.interval)
            )
            return await _until_signal(work)
    finally:
        await fetcher.aclose()
        try:
            if outbox:
                outbox.close()
        finally:
            state.close()


def _outbox(settings: Settings) -> Outbox:
    from efficient_status.notify import ready
    from efficient_status.notify.outbox import FILE, Outbox

    targets = ready(settings.notify)
    return Outbox(settings.state_dir / FILE if settings.state_dir else MEMORY, targets)


def _instruments(settings: Settings, *parts: Any, once: bool, pending: Any) -> Any:
    """Metrics, and whoever supervises us, where they are wanted."""
    served = settings.metrics or "NOTIFY_SOCKET" in os.environ
    if not (settings.metrics_file or (served and not once)):  # a cron run is not supervised
        return None
    from efficient_status.instruments import Instruments

    return Instruments(settings, *parts, once=once, pending=pending)


def _keepalive(interval: float) -> float:
    """Seconds an idle connection is kept: over the interval, where servers would keep it too.

    Most close an idle connection within minutes, so for a long interval it only costs memory.
    """
    return max(2 * interval, 120.0) if interval <= 300 else 5.0


async def _once(scheduler: Any, outbox: Outbox | None) -> int:
    failures = await scheduler.once()
    if outbox:
        from efficient_status.notify.courier import Courier

        await Courier(outbox).drain()
    return 1 if failures else 0


async def _watch(scheduler: Any, outbox: Outbox | None, pages: int, interval: float) -> int:
    gc.freeze()
    gc.enable()
    _STDERR.hurry()
    logger.info(
        "watching %s every %g s",
        counted(pages, "page"),
        interval,
        extra={"event": "watching", "pages": pages, "interval": interval},
    )
    if outbox:
        from efficient_status.notify.courier import Courier

        async with Courier(outbox):
            await scheduler.watch()
    else:
        await scheduler.watch()
    return 0


async def _until_signal(work: Any) -> int:
    """The work's exit status, or that of the signal that came first.

    Python's own handlers, not the loop's, which would leave none for the way out.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    ended: list[int] = []  # the exit status that a signal asks for

    def stop(signum: int, _frame: FrameType | None) -> None:
        ended.append(130 if signum == signal.SIGINT else 0)
        loop.call_soon_threadsafe(task.cancel)

    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        return int(await task)
    except (asyncio.CancelledError, BrokenPipeError):
        if not ended:
            raise
        return ended[0]
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
