"""Oracle Cloud Infrastructure, `/api/v2/incident-summary.rss` of ocistatus.oraclecloud.com.

One item an incident with a stable guid (`ocid1.oraclecloudincident…`), a title «Service | Region |
code» and the timeline of a Statuspage, whose clock times run into one another («Oct0409:12 UTC») and
are then of no use: `pubDate` stands in.
"""

from __future__ import annotations

from dataclasses import replace

from efficient_status.harmless import one_line
from efficient_status.models import Incident
from efficient_status.providers import statuspage
from efficient_status.providers.document import Document, Item
from efficient_status.providers.reading import at_host

_GUID = "ocid1.oraclecloudincident."


def evidence(document: Document) -> str | None:
    """Why this is the feed of Oracle's cloud, or None."""
    if document.first and all(item.id.startswith(_GUID) for item in document.first):
        return f"guids {_GUID}…"
    return at_host(document, "ocistatus.oraclecloud.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    read = statuspage.incident(item, document)
    parts = [one_line(part) for part in read.title.split(" | ")]
    components = sorted({*parts[:2]} - {""}) if len(parts) > 1 else []
    return replace(read, components=tuple(components))
