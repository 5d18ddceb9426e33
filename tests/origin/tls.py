"""Certificates for an origin that speaks TLS: a CA of its own, and one leaf signed by it.

``trustme`` is imported on first use: plain origins do not need it.
"""

from __future__ import annotations

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Identity:
    """What an origin shows and what its clients must trust."""

    context: ssl.SSLContext
    ca_file: str
    _folder: tempfile.TemporaryDirectory[str]

    def forget(self) -> None:
        """Delete the files."""
        self._folder.cleanup()


def make_identity(names: Sequence[str], *, http2: bool, expired: bool) -> Identity:
    """Issue a certificate for these names and addresses.

    Args:
        names: DNS names and IP addresses of the certificate.
        http2: offer "h2" in ALPN, before "http/1.1" (RFC 7301).
        expired: let the certificate's time have run out a day ago.
    """
    import trustme

    ca = trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    leaf = ca.issue_cert(*names, not_after=yesterday if expired else None)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    leaf.configure_cert(context)
    folder = tempfile.TemporaryDirectory(prefix="origin-")
    ca_file = Path(folder.name) / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    return Identity(context, str(ca_file), folder)
