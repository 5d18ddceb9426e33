"""What the origin remembers: every request, in order, from any thread.

It stores and looks up; it never judges a request.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .message import Request


class Journal:
    """All requests in the order they arrived; a path without a query finds those with one."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.Lock()
        self._all: list[Request] = []
        self._by_path: defaultdict[str, list[Request]] = defaultdict(list)

    def add(self, request: Request) -> None:
        """Remember a request under its path, with the query and without."""
        with self._lock:
            self._all.append(request)
            for path in {request.path, request.path.partition("?")[0]}:
                self._by_path[path].append(request)

    def all(self) -> list[Request]:
        """Return a snapshot of all requests."""
        with self._lock:
            return list(self._all)

    def of(self, path: str) -> list[Request]:
        """Return a snapshot of the requests for one path."""
        with self._lock:
            return list(self._by_path.get(path, ()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._all.clear()
            self._by_path.clear()
