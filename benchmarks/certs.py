"""A chain of three certificates (root, intermediate, leaf), as real sites show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

ADDRESSES = ("127.0.0.1", "198.18.7.2", "localhost")


@dataclass(frozen=True, slots=True)
class Chain:
    """Files: what a server shows, its key, and what a client trusts.

    The server shows all three certificates, root included, as many real ones do.
    """

    shown: Path
    key: Path
    trusted: Path


def make_chain(folder: Path) -> Chain:
    """Make a chain with a 2048-bit RSA intermediate and leaf, the sizes that are common today."""
    folder.mkdir(parents=True, exist_ok=True)
    chain = Chain(folder / "chain.pem", folder / "key.pem", folder / "root.pem")
    root = trustme.CA(key_type=trustme.KeyType.RSA)
    between = root.create_child_ca(key_type=trustme.KeyType.RSA)
    leaf = between.issue_cert(*ADDRESSES, key_type=trustme.KeyType.RSA)
    blobs = [*(blob.bytes() for blob in leaf.cert_chain_pems), root.cert_pem.bytes()]
    chain.shown.write_bytes(b"".join(dict.fromkeys(blobs)))
    chain.key.write_bytes(leaf.private_key_pem.bytes())
    chain.trusted.write_bytes(root.cert_pem.bytes())
    return chain
