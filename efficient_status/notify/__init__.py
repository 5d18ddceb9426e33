"""Notifications: events for people who look at no terminal.

    Outbox (what is to be delivered, on disk) → Courier (when, and how many at once)
    → message (in which words) → child (a command of the user's, or Apprise, as a process)

At least once: an event leaves the outbox when its delivery has succeeded.  A plain watcher loads
none of this.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from efficient_status.errors import UsageError
from efficient_status.keys import is_address
from efficient_status.models import Filters, Happening

__all__ = ["Target", "concealed", "ready"]

ALL = frozenset(Happening)
TITLE = "{provider_name}: {title}"
BODY = "{newest}\nProduct: {affected}\n{url}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where events are delivered: one `[[notify]]`.

    Attributes:
        address: an Apprise URL, or where it stands («env:NAME», «file:PATH»); a secret.
        command: in its place, a program and its arguments, which get JSON Lines on stdin.
        pages: keys of the providers that it is for; None = all.
        events: which happenings.
        title, body: templates of one event.
        batch_seconds: what comes within so many seconds is one message.
        rate: messages in any minute, at most.
        timeout: seconds that one delivery may take.
    """

    name: str
    address: str = field(default="", repr=False)
    command: tuple[str, ...] = ()
    pages: frozenset[str] | None = None
    events: frozenset[Happening] = ALL
    filters: Filters = field(default_factory=Filters)
    title: str = TITLE
    body: str = BODY
    batch_seconds: float = 10.0
    rate: int = 10
    timeout: float = 30.0


def ready(targets: Iterable[Target]) -> list[Target]:
    """The targets with their addresses in clear.

    Raises:
        UsageError: some are not to be had, or Apprise is not; all of it is told.
    """
    opened, problems = [], []
    installed = importlib.util.find_spec("apprise") is not None
    for target in targets:
        try:
            address = _in_clear(target.address)
        except (OSError, UnicodeDecodeError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "is not text"
            problems.append(f"notify: {target.name}: {target.address}: cannot be read ({reason})")
            continue
        except KeyError:
            problems.append(f"notify: {target.name}: {target.address}: there is no such variable")
            continue
        if address and not is_address(address):
            problems.append(
                f"notify: {target.name}: {target.address}: expected an Apprise URL in it"
            )
        elif address and not installed:
            problems.append(
                f"notify: target «{target.name}» needs the extra: "
                "pip install 'efficient-status[notify]'"
            )
        opened.append(replace(target, address=address))
    if problems:
        raise UsageError(problems)
    return opened


def _in_clear(address: str) -> str:
    kind, _, where = address.partition(":")
    if kind == "env":
        return os.environ[where].strip()
    if kind == "file":
        return Path(where).expanduser().read_text("utf-8").strip()
    return address


def concealed(address: str) -> str:
    """An address that may be shown: where it stands, or what kind it is."""
    scheme, secret, _ = address.partition("://")
    return f"{scheme}://***" if secret else address
