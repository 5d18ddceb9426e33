"""Events → words."""

from __future__ import annotations

import json
from dataclasses import replace

from efficient_status.keys import TEMPLATE_FIELDS
from efficient_status.models import Event, Impact, Kind, State
from efficient_status.notify import Target
from efficient_status.notify.message import Message, compose
from efficient_status.outputs import jsonl
from tests.outputs.events import BARE, event

OPS = Target("ops")


def said(*events: Event, target: Target = OPS) -> Message:
    """What is said of these events."""
    return compose(target, [json.loads(jsonl.line(each)) for each in events])


def test_one_event() -> None:
    """Title, newest update, what is affected, link."""
    assert said(event()) == Message(
        "Example: Elevated Error Rate",
        "Investigating - We are looking.\n"
        "Product: Chat (Conversations, Login)\n"
        "https://status.example.test/incidents/01A",
        "failure",
    )


def test_an_event_of_which_little_is_known() -> None:
    """No empty lines, no «unknown»."""
    assert said(event(BARE)) == Message("Example: It broke", "Product: Chat", "warning")


def test_several_events() -> None:
    """Counted, with whose they are; the colour is the worst one's."""
    other = replace(event(BARE), provider_name="Other")
    message = said(event(state=State.RESOLVED), other, other)

    assert message.title == "3 events: Example, Other"
    assert message.body.split("\n\n")[1:] == ["Other: It broke\nProduct: Chat"] * 2
    assert message.type == "warning"
    many = [replace(event(BARE), provider_name=f"V{number}") for number in range(9)]
    assert said(*many).title == "9 events: V0, V1, V2, V3, V4, …"


def test_colours() -> None:
    """What is over is good news, a maintenance is none at all."""
    assert said(event(state=State.RESOLVED)).type == "success"
    assert said(event(kind=Kind.MAINTENANCE, state=State.IN_PROGRESS)).type == "info"
    assert said(event(impact=Impact.CRITICAL)).type == "failure"
    assert said(event(impact=None)).type == "warning"


def test_a_template_may_name_every_field() -> None:
    """And nothing else (see the configuration's tests); braces are written twice."""
    every = "|".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
    target = replace(OPS, title="{{{event}}}", body=every)
    message = said(event(), target=target)

    assert message.title == "{new}"
    assert message.body.split("|")[6] == "Investigating"
    assert len(message.body.split("|")) == len(TEMPLATE_FIELDS)


def test_a_page_calls_nobody() -> None:
    """What chat services take for a call to everybody comes from a vendor's page; a template may."""
    loud = event(title="@everyone <!channel> <@U1> a@example.test", message="@here {url} @channel.")
    message = said(loud, target=replace(OPS, title="@here {title}", body="{message}"))

    assert message.title == "@here @ everyone ‹!channel> ‹@U1> a@example.test"
    assert message.body == "@ here {url} @ channel."


def test_a_long_text_is_cut() -> None:
    """The page has the rest."""
    assert len(said(event(message="x" * 20_000)).body) < 2_500
