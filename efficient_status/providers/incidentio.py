"""incident.io status pages (OpenAI, Docker, Notion, …), `/feed.rss` and `/feed.atom`.

One item an incident; its HTML shows only the newest update and is replaced in place:

    <b>Status: Monitoring</b><br/><br/>A fix is live.<br/><br/><b>Affected components</b>
    <ul><li>Chat (Degraded performance)</li><li>Login (Operational)</li></ul>

The order of the list is permuted with every cache generation, names repeat, a name may contain
parentheses itself.  Ids are links with a double slash and stay as they are.
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import Token, plain, plain_title, tokens, web_url
from efficient_status.providers.words import moment, state_of, utc

_HEADING = "Affected components"


def evidence(document: Document) -> str | None:
    """Why this is an incident.io feed, or None."""
    if document.head.generator.strip() == "incident.io":
        return "generator «incident.io»"
    if document.first and all(
        "//incidents/" in item.id.partition("://")[2] and item.body.lstrip().startswith("<b>")
        for item in document.first
    ):
        return "ids HOST//incidents/ULID and bodies that begin with a status"
    return None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    body = _fullest(item)
    state, rest = _status(tokens(body))
    message, components = _components(rest)
    updated = utc(moment(item.updated) or moment(item.published))
    return Incident(
        id=item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state,
        components=components,
        message=plain(message),
        url=web_url(item.address, document.head.link),
        updated_at=updated,
        stamp=updated,
    )


def _fullest(item: Item) -> str:
    """Summary and content are copies; where one was shortened, take the one with the list."""
    return next((text for text in (item.summary, item.content) if "<li" in text), item.body)


def _status(html: list[Token]) -> tuple[State, list[Token]]:
    """The state of the leading `<b>Status: X</b>`, and what follows it."""
    start = next(
        (n for n, token in enumerate(html) if token.kind != "text" or token.value.strip()), 0
    )
    heading, end = _bold(html, start)
    state = state_of(heading.rpartition(":")[2])
    if state is None and ":" not in heading:
        return State.UNKNOWN, html
    return state or State.UNKNOWN, html[end:]


def _bold(html: list[Token], start: int) -> tuple[str, int]:
    """Text of the <b> that begins here, and where it ends."""
    if html[start : start + 1] != [("start", "b")] or ("end", "b") not in html:
        return "", start
    end = html.index(Token("end", "b"), start)
    return "".join(token.value for token in html[start:end] if token.kind == "text"), end + 1


def _components(html: list[Token]) -> tuple[list[Token], tuple[str, ...]]:
    """Split the message from the list of components: the last <ul>, where a <b> heads it.

    The heading's words depend on the page's language; its place does not, nor do the
    parentheses at the end of every row.
    """
    lists = [n for n, token in enumerate(html) if token == ("start", "ul")]
    if not lists:
        return html, ()
    heading = lists[-1] - 1
    while heading >= 0 and html[heading].kind == "text" and not html[heading].value.strip():
        heading -= 1
    if heading < 0 or html[heading] != ("end", "b"):
        return html, ()
    while heading > 0 and html[heading] != ("start", "b"):
        heading -= 1
    end = next((n for n in range(lists[-1], len(html)) if html[n] == ("end", "ul")), len(html))
    rows = [row.removeprefix("- ") for row in plain(html[lists[-1] : end]).split("\n")]
    if _bold(html, heading)[0] != _HEADING and not all(row.endswith(")") for row in rows):
        return html, ()
    return html[:heading] + html[end:], _names(rows)


def _names(rows: list[str]) -> tuple[str, ...]:
    """Names of the components without their status, which stands in the last parentheses."""
    names = (row[: row.rfind("(")] if row.endswith(")") else row for row in rows)
    return tuple(sorted({one_line(name, 200) for name in names} - {""}))
