"""`notify`: are targets reached, and what waits for them?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from efficient_status import options
from efficient_status.commands import COMMANDS
from efficient_status.commands.speech import say
from efficient_status.config import Settings
from efficient_status.errors import UsageError
from efficient_status.models import Event, Happening, Impact, Incident, State
from efficient_status.notify import Target, concealed, ready
from efficient_status.outputs import jsonl

_EPILOG = """\
test sends an invented event to each target, at once, and says what became of
it; the outbox and what was told are left alone.  pending lists what was not
delivered yet, a line an event, with tabs between target, time, vendor, event
and title; while the program watches as well.

exit status: 0 fine · 1 a target did not take it · 2 wrong usage or
configuration

examples:
  efficient-status notify test
  efficient-status notify test ops --config mine.toml
  efficient-status notify pending
"""


def parser() -> options.Parser:
    """What to do, and with which targets."""
    parser = options.Parser(
        prog="efficient-status notify",
        description="Try the targets of the configuration's [[notify]], or list what waits.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "what", choices=["test", "pending"], metavar="test|pending", help="what to do"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these targets")
    parser.add_argument("--config", metavar="FILE", help="settings in TOML")
    parser.add_argument("--state-dir", metavar="DIR", help="where the outbox is")
    return parser


def run(words: Sequence[str]) -> int:
    """Do it."""
    asked = parser().parse_intermixed_args(words)
    given = {"--config": asked.config, "--state-dir": asked.state_dir}
    line = [word for name, value in given.items() if value for word in (name, value)]
    settings = options.settings(options.watching().parse_args(line), reserved=COMMANDS)
    targets = _chosen(settings, asked.names)
    if asked.what == "test":
        return asyncio.run(_test(ready(targets)))
    _pending(settings, targets)
    return 0


def _chosen(settings: Settings, names: Sequence[str]) -> list[Target]:
    if not settings.notify:
        raise UsageError(["the configuration has no [[notify]]: expected one"])
    known = [target.name for target in settings.notify]
    strange = [name for name in names if name not in known]
    if strange:
        expected = ", ".join(known)
        raise UsageError([f"no target «{name}»: expected one of {expected}" for name in strange])
    return [target for target in settings.notify if not names or target.name in names]


async def _test(targets: Sequence[Target]) -> int:
    from efficient_status.notify.child import Outcome, deliver

    now = datetime.now(UTC).replace(microsecond=0)
    line = jsonl.line(_example(now))
    came = await asyncio.gather(*(deliver(target, [line]) for target in targets))
    for target, (outcome, reason) in zip(targets, came, strict=True):
        where = concealed(target.address) if target.address else target.command[0]
        say(f"{target.name} ({where}): {outcome.value}{f' ({reason})' if reason else ''}\n")
    return 0 if all(each.outcome is Outcome.DELIVERED for each in came) else 1


def _example(now: datetime) -> Event:
    incident = Incident(
        id="test",
        title="This is only a test",
        state=State.INVESTIGATING,
        impact=Impact.NONE,
        components=("Nothing",),
        message="Nothing is broken: efficient-status was asked to try this target.",
        started_at=now,
        updated_at=now,
    )
    return Event(Happening.NEW, "example", "Example Cloud", "Example", incident, now)


def _pending(settings: Settings, targets: Sequence[Target]) -> None:
    from efficient_status.notify.outbox import FILE, Outbox

    path = settings.state_dir / FILE if settings.state_dir else None
    if path is None or not path.exists():
        return
    outbox = Outbox(path, [replace(target, address="") for target in targets])
    try:
        for name, box in outbox.boxes.items():
            for waiting in box.waiting:
                event = json.loads(waiting.line)
                at = datetime.fromtimestamp(waiting.at, UTC)
                cells = (
                    *(name, f"{at:%Y-%m-%dT%H:%M:%SZ}"),
                    *(event["provider"], event["event"], event["title"]),
                )
                say("\t".join(cells) + "\n")
    finally:
        outbox.close()
