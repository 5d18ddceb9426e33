"""Metrics as a file, for node_exporter's textfile collector."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from efficient_status.errors import UsageError


def write(path: Path, registry: CollectorRegistry) -> None:
    """Put all of it in the file's place at once, readable by the collector's user.

    Raises:
        UsageError: the file cannot be written there.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")  # the collector reads *.prom
    try:
        descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(generate_latest(registry))
                os.fchmod(descriptor, 0o644)
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
    except OSError as error:
        raise UsageError(
            [f"--metrics-file: {path} cannot be written ({error.strerror})"]
        ) from error
