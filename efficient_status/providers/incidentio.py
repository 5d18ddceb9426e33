"""incident.io status pages (OpenAI, Docker, Notion, …), `/feed.rss` and `/feed.atom`.

One item an incident; its HTML shows only the newest update and is replaced in place:

    <b>Status: Monitoring</b><br/><br/>A fix is live.<br/><br/><b>Affected components</b>
    <ul><li>Chat (Degraded performance)</li><li>Login (Operational)</li></ul>

The order of the list is permuted with every cache generation, names repeat, a name may contain
parentheses itself.  Ids are links with a double slash and stay as they are.
"""

from __future__ import annotations

from datetime import UTC

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.feedxml import Document, Item
from efficient_status.providers.markup import Token, one_line, plain, plain_html, tokens, web_url
from efficient_status.providers.words import moment, state_of


def evidence(document: Document) -> str | None:
    """Why this is an incident.io feed, or None."""
    if document.head.generator.strip() == "incident.io":
        return "generator «incident.io»"
    first = [item for item, _ in document.items[:3]]
    if first and all(
        "//incidents/" in item.id.partition("://")[2] and item.body.lstrip().startswith("<b>")
        for item in first
    ):
        return "ids HOST//incidents/ULID and bodies that begin with a status"
    return None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    body = _fullest(item)
    state, rest = _status(tokens(body))
    message, components = _components(rest)
    updated = moment(item.updated) or moment(item.published)
    return Incident(
        id=item.id,
        title=one_line(plain_html(item.title) if item.html_title else item.title),
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state,
        components=components,
        message=plain(message),
        url=web_url(item.link or item.id, document.head.link),
        updated_at=updated.astimezone(UTC) if updated else None,
        stamp=updated,
    )


def _fullest(item: Item) -> str:
    """Summary and content are copies; where one was shortened, take the one with the list."""
    return next((text for text in (item.summary, item.content) if "<li" in text), item.body)


def _status(html: list[Token]) -> tuple[State, list[Token]]:
    """The state of the leading `<b>Status: X</b>`, and what follows it."""
    start = next((n for n, token in enumerate(html) if token == ("start", "b")), None)
    end = next((n for n, token in enumerate(html) if token == ("end", "b")), None)
    if start is None or end is None or end < start:
        return State.UNKNOWN, html
    heading = "".join(token.value for token in html[start:end] if token.kind == "text")
    state = state_of(heading.rpartition(":")[2])
    if state is None and ":" not in heading:
        return State.UNKNOWN, html
    return state or State.UNKNOWN, html[end + 1 :]


def _components(html: list[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """Split the message from the list of components: the last <ul>, where a <b> heads it.

    The heading's words depend on the page's language; its place does not.
    """
    lists = [n for n, token in enumerate(html) if token == ("start", "ul")]
    if not lists:
        return html, ()
    heading = lists[-1] - 1
    while heading >= 0 and (html[heading].kind == "text" and not html[heading].value.strip()):
        heading -= 1
    if heading < 0 or html[heading] != ("end", "b"):
        return html, ()
    while heading > 0 and html[heading] != ("start", "b"):
        heading -= 1
    return html[:heading], _names(html[lists[-1] :])


def _names(html: list[Token]) -> tuple[str, ...]:
    """Names of the list's items without their status, which stands in the last parentheses."""
    names: set[str] = set()
    for line in plain(html).split("\n"):
        name = line.removeprefix("- ")
        if name.endswith(")"):
            name = name[: name.rfind("(")]
        if name.strip():
            names.add(name.strip())
    return tuple(sorted(names))
