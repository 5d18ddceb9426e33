"""Platforms' dialects: the bytes of a feed → `Feed`.  Pure; everything raises only `Unreadable`.

A dialect is a module with two plain functions, `evidence(document)` and `incident(item,
document)`, and one line in `DIALECTS`; they are tried in that order, from those with marks of their
own to those that are known by their habits.  Where an item is an update, the module has a third
one, `key(id)` (see `reading`).  A module is imported when its turn comes: most pages need but one,
and a page that has not changed needs none, nor a parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from efficient_status.models import Feed, Incident, Limits
from efficient_status.providers.dialect import Dialect

if TYPE_CHECKING:
    from efficient_status.providers.document import Document, Item

__all__ = ["DIALECTS", "Dialect", "Limits", "read"]


def _dialect(
    name: str, *, joins: bool = False, absence_closes: bool = False, append_only: bool = False
) -> Dialect:
    """The dialect in the module of that name."""
    module = f"{__name__}.{name}"

    def evidence(document: Document) -> str | None:
        found: str | None = import_module(module).evidence(document)
        return found

    def incident(item: Item, document: Document) -> Incident:
        read: Incident = import_module(module).incident(item, document)
        return read

    def key(id_: str) -> str:
        common: str = import_module(module).key(id_)
        return common

    return Dialect(evidence, incident, key if joins else None, absence_closes, append_only)


DIALECTS: dict[str, Dialect] = {
    "incidentio": _dialect("incidentio"),
    "onlineornot": _dialect("onlineornot"),  # may call itself a Statuspage
    "statuspage": _dialect("statuspage"),
    "aws": _dialect("aws", joins=True, append_only=True),
    "gcp": _dialect("gcp", joins=True, append_only=True),
    "azure": _dialect("azure", absence_closes=True),
    "slack": _dialect("slack"),
    "okta": _dialect("okta"),
    "oci": _dialect("oci"),
    "xai": _dialect("xai"),
    "paypal": _dialect("paypal"),
    "heroku": _dialect("heroku"),
    "meta": _dialect("meta", absence_closes=True),
    "openstatus": _dialect("openstatus"),
    "cstate": _dialect("cstate"),
    "kener": _dialect("kener"),
    "kuma": _dialect("kuma", absence_closes=True),
    "statusio": _dialect("statusio", joins=True),
    "cachet": _dialect("cachet"),
    "instatus": _dialect("instatus"),
    "betterstack": _dialect("betterstack", joins=True),
    "checkly": _dialect("checkly", joins=True),
    "statuscast": _dialect("statuscast"),
    "statuspal": _dialect("statuspal"),
    "generic": _dialect("generic"),
}


def read(
    body: bytes,
    known: frozenset[bytes] = frozenset(),
    *,
    expected: str | None = None,
    limits: Limits | None = None,
    source: str = "",
) -> Feed:
    """Read a whole, decoded feed document: RSS, Atom, or a platform's JSON.

    Args:
        known: marks of the items that are known as they are; they are swept over, not read.
        expected: the platform that the row (or the last reading) says this is; the document
            overrules it where it shows another.
        source: where the document came from, for JSON whose links are relative to it.

    Raises:
        Unreadable: the bytes are no feed, or are not safe to read.
    """
    from efficient_status.providers import recognition  # most polls read nothing

    return recognition.read(body, known, expected, limits or Limits(), source)
