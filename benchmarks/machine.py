"""What the numbers were taken on: processor, cores, versions.  No names, no places."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("efficient-status", "httpx", "httpcore", "h11", "h2", "anyio", "hishel", "defusedxml",
            "tenacity", "sniffio")  # fmt: skip


def processor() -> str:
    """Model and number of cores."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    return f"{model}, {os.cpu_count()} cores"


def versions() -> str:
    """Interpreter, libraries and packages."""
    found = [
        f"Python {platform.python_version()}",
        ssl.OPENSSL_VERSION.rsplit(" ", 3)[0],
        f"SQLite {sqlite3.sqlite_version}",
        f"Linux {platform.release().split('-')[0]}",
    ]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} (from the checkout)")
    return ", ".join(found)


def first_line(*command: str) -> str:
    """The first line that a tool says of its version; "" where there is no such tool."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip().partition("\n")[0]
