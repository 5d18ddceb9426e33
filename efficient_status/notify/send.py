"""One message through Apprise, in a process of its own; run by its path, nothing of ours is loaded.

On stdin one JSON object: `address`, `title`, `body`, `type`, `timeout`.  The exit status is one of
sysexits.h, as of any command that delivers; stderr says why, never where to.

In a process, since Apprise waits while it sends and a thread cannot be told to end; and since what
it loads is ten times what a watcher needs.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

_UNFIT, _NOBODY, _LATER, _FORBIDDEN, _WRONG = 65, 67, 75, 77, 78
_MEANING = {
    **dict.fromkeys((400, 413, 415, 422), _UNFIT),
    **dict.fromkeys((404, 405, 410), _NOBODY),
    **dict.fromkeys((401, 403), _FORBIDDEN),
}


class _Heard(logging.Handler):
    """What Apprise says of an HTTP status, which it returns to nobody."""

    status = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Note it."""
        if found := re.search(r"error=(\d{3})\b", record.getMessage()):
            self.status = int(found[1])


def main() -> int:
    """Send it."""
    asked: dict[str, Any] = json.load(sys.stdin)
    import apprise

    heard = _Heard(logging.WARNING)
    apprise.logger.handlers = [heard]
    apprise.logger.propagate = False
    plugin = apprise.Apprise.instantiate(asked["address"])
    if plugin is None:
        return _end("Apprise does not understand its target", _WRONG)
    if "overflow=" not in asked["address"]:
        plugin.overflow_mode = apprise.OverflowMode.SPLIT  # what is too long becomes several
    if "rto=" not in asked["address"]:
        plugin.socket_read_timeout = asked["timeout"]
    service = apprise.Apprise()
    service.add(plugin)
    if service.notify(
        body=asked["body"],
        title=asked["title"],
        notify_type=asked["type"],
        body_format=apprise.NotifyFormat.TEXT,
    ):
        return 0
    if not heard.status:
        return _end("no answer", _LATER)
    return _end(f"HTTP {heard.status}", _MEANING.get(heard.status, _LATER))


def _end(reason: str, status: int) -> int:
    sys.stderr.write(f"{reason}\n")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
