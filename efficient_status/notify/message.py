"""Events → the words of one message.  Pure; an event is what JSON Lines say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from efficient_status.harmless import clean, one_line, shorten
from efficient_status.models import Impact, Kind, State
from efficient_status.notify import Target

_LONGEST = 2_000  # characters of one field
_NAMED = 5  # providers in the title of a message of several events

# What chat services read as a call to everybody; a vendor's page is not to wake the user's company.
_CALL = re.compile(r"@(?=everyone\b|here\b|channel\b|all\b|room\b)|<(?=[!@#&])", re.IGNORECASE)


class Message(NamedTuple):
    """What is read.

    Attributes:
        type: Apprise's word for how it is coloured.
    """

    title: str
    body: str
    type: str


Shown = Mapping[str, Any]  # an event, by the keys of `jsonl.line`


def compose(target: Target, events: Sequence[Shown]) -> Message:
    """One message of one event or of several."""
    parts = [_part(target, event) for event in events]
    tone = max((_tone(event) for event in events), key=_TONES.index)
    if len(parts) == 1:
        return Message(*parts[0], tone)
    names = list(dict.fromkeys(one_line(event["provider_name"]) for event in events))
    more = ["…"] if len(names) > _NAMED else []
    title = f"{len(parts)} events: {', '.join([*names[:_NAMED], *more])}"
    return Message(title, "\n\n".join(f"{head}\n{body}".strip() for head, body in parts), tone)


def _part(target: Target, event: Shown) -> tuple[str, str]:
    fields = _fields(event)
    title = one_line(target.title.format_map(fields))
    lines = (line.rstrip() for line in target.body.format_map(fields).splitlines())
    return title, "\n".join(line for line in lines if line)


def _fields(event: Shown) -> Mapping[str, str]:
    """What a template may name: each key as text, and two that are put together from them."""
    known = event["state"] != State.UNKNOWN
    state = State(event["state"]).label if known else ""
    components = ", ".join(event["components"])
    fields = {
        **event,
        "state": state,
        "components": components,
        "newest": " - ".join(filter(None, [state, event["message"]])),
        "affected": f"{event['product']} ({components})" if components else event["product"],
    }
    return {name: _safe(str(value or "")) for name, value in fields.items()}


def _safe(text: str) -> str:
    """What came from a page, unable to call anybody."""
    return _CALL.sub(lambda found: "@ " if found[0] == "@" else "‹", shorten(clean(text), _LONGEST))


_TONES = ("success", "info", "warning", "failure")


def _tone(event: Shown) -> str:
    if State(event["state"]).closed:
        return "success"
    if event["kind"] == Kind.MAINTENANCE:
        return "info"
    return "failure" if event["impact"] in (Impact.MAJOR, Impact.CRITICAL) else "warning"
