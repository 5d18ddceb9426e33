"""A small client in threads, polite but for the flaws it is told to have.

It is there to show that no grade is empty: without flaws it passes, with one it fails the rule
that the flaw breaks, and with all of them it fails everything.
"""

from __future__ import annotations

import base64
import fcntl
import http.client
import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from tests.conformance.stage import Job

Page = dict[str, Any]


class Synthetic:
    """See the module's docstring."""

    watches = True
    tells = False
    pause = 0.0
    spaces = True

    def __init__(self, *flaws: str) -> None:
        self.name = "synthetic " + "+".join(flaws)
        self._flaws = frozenset(flaws)

    def once(self, job: Job) -> _Thread:
        """See `Client`."""
        return _Thread(job, self._flaws, stays=False)

    def watch(self, job: Job) -> _Thread:
        """See `Client`."""
        return _Thread(job, self._flaws, stays=True)


class _Thread:
    """A run of it."""

    def __init__(self, job: Job, flaws: frozenset[str], *, stays: bool) -> None:
        self._job = job
        self._flaws = flaws
        self._stays = stays
        self._stopped = threading.Event()
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._polling: list[threading.Thread] = []
        self._free: defaultdict[str, float] = defaultdict(float)
        self._thread = threading.Thread(target=self._run, name="synthetic", daemon=True)
        self._thread.start()

    def ended(self) -> bool:
        """See `Running`."""
        return not self._thread.is_alive()

    def stop(self, *, kill: bool) -> None:
        """See `Running`; killed or not, it loses nothing but the answer it waits for."""
        self._stopped.set()
        self._thread.join(10)

    def output(self) -> str:
        """See `Running`."""
        return ""

    def _run(self) -> None:
        with self._lock() as held:
            if held:
                self._polls()
        for thread in self._polling:
            thread.join()
        for connection in self._connections.values():
            connection.close()

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        with (self._job.folder / "lock").open("w") as file:
            try:
                if "no lock" not in self._flaws:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _polls(self) -> None:
        share = self._job.interval / len(self._job.urls) if self._stays else 0.0
        while not self._stopped.is_set():
            for url in self._job.urls:
                if "all at once" in self._flaws:
                    self._polling.append(threading.Thread(target=self._poll, args=[url]))
                    self._polling[-1].start()
                else:
                    began = time.monotonic()
                    self._poll(url)
                    self._stopped.wait(max(share - time.monotonic() + began, 0))
                if self._stopped.is_set():
                    return
            if not self._stays:
                return
            if "all at once" in self._flaws:
                self._stopped.wait(self._job.interval)

    # One poll.

    def _poll(self, url: str) -> None:
        path = self._job.folder / f"{base64.urlsafe_b64encode(url.encode()).decode()}.json"
        page: Page = json.loads(path.read_text()) if path.exists() else {}
        if "forgets" in self._flaws:
            page = {}
        hold = self._job.folder / f"{urlsplit(url).hostname}.hold"
        until = float(hold.read_text()) if hold.exists() else 0.0
        now = time.time()
        if page.get("gone") or now < page.get("until", 0.0) or now < until:
            return
        for again in (True, False):
            status, fields, body = self._follow(page.get("moved", url), page)
            retry = status >= 500 and not page.get("wait") and "retry-after" not in fields
            if not (again and (retry or ("retries all" in self._flaws and status >= 400))):
                break
            self._stopped.wait(0.05)
        if self._stopped.is_set() and status == 0:
            return
        self._learn(page, status, fields, body)
        if "retry-after" in fields and "page only" not in self._flaws:
            hold.write_text(str(page["until"]))
        new = path.with_suffix(f".{threading.get_ident()}")
        new.write_text(json.dumps(page))
        new.replace(path)

    def _follow(self, url: str, page: Page) -> tuple[int, dict[str, str], bytes]:
        begin, lasting, page["target"] = url, True, ""
        for _ in range(5):
            same = (
                urlsplit(url).netloc.rpartition("@")[2] == urlsplit(begin).netloc.rpartition("@")[2]
            )
            secret = urlsplit(begin).netloc.rpartition("@")[0]
            leak = same or "leaks" in self._flaws
            status, fields, body = self._ask(url, page, secret if leak else "")
            if status not in (301, 302, 303, 307, 308):
                return status, fields, body
            lasting = lasting and (status in (301, 308) or "believes 302" in self._flaws)
            url = urljoin(url, fields["location"])
            if lasting:
                page["target"] = url
        return 0, {}, b""

    def _ask(self, url: str, page: Page, secret: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if self._job.spacing and "hurries" not in self._flaws:
            self._stopped.wait(max(self._free[host] - time.monotonic(), 0))
            self._free[host] = time.monotonic() + self._job.spacing
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if "adds a query" in self._flaws:
            path = f"{parts.path}?t=1"
        headers = self._headers(page, url)
        if secret:
            headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
        for method in ("HEAD", "GET") if "asks HEAD" in self._flaws else ("GET",):
            status, fields, body = self._exchange(host, method, path, headers)
        return status, fields, body

    def _headers(self, page: Page, url: str) -> dict[str, str]:
        headers = {"User-Agent": "synthetic/1 (+https://example.test/)", "Accept-Encoding": "gzip"}
        if "nameless" in self._flaws:
            headers = {"User-Agent": "Mozilla", "Accept-Encoding": "identity"}
        etag, date = page.get("etag"), page.get("date")
        if "one of both" in self._flaws and etag:
            date = None
        if "strips" in self._flaws and etag:
            etag = etag.removeprefix("W/").strip('"')
        if "renders dates" in self._flaws and date:
            date = formatdate(usegmt=True)
        if "empty" in self._flaws:
            etag = etag or ""
        headers |= {} if etag is None else {"If-None-Match": etag}
        headers |= {} if date is None else {"If-Modified-Since": date}
        if "tells all" in self._flaws:
            headers |= {"Cookie": "id=1", "Referer": url}
        return headers

    def _exchange(
        self, host: str, method: str, path: str, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        for _ in range(2):  # a kept connection may have been closed
            kept = self._connections.pop(host, None)
            connection = kept or http.client.HTTPConnection(host, timeout=5)
            try:
                connection.request(method, path, headers=headers)
                response = connection.getresponse()
                body = b"" if method == "HEAD" else self._read(response)
            except (OSError, http.client.HTTPException):
                connection.close()
                if kept is None or self._stopped.is_set():
                    break
                continue
            if (
                "closes" in self._flaws
                or self._connections.setdefault(host, connection) is not connection
            ):
                connection.close()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, body
        return 0, {}, b""

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        parts = []
        while part := response.read(200):
            parts.append(part)
            if self._stopped.is_set():
                raise http.client.HTTPException
        if response.length:
            raise http.client.IncompleteRead(b"".join(parts))
        return b"".join(parts)

    # What it makes of an answer.

    def _learn(self, page: Page, status: int, fields: dict[str, str], body: bytes) -> None:
        feed = status == 304 or (status == 200 and b"</rss>" in body) or "x-gzip" in str(fields)
        if "clears" in self._flaws and not feed:
            page.pop("etag", None)
        if "poisons" in self._flaws or feed:
            self._keep(page, status, fields, body)
        page["until"] = 0.0
        if feed:
            page |= {"wait": 0.0, "until": time.time() + self._freshness(fields)}
            target = page.pop("target")
            if target and "forgets moves" not in self._flaws:
                page["moved"] = target
            return
        if "follows rubbish" in self._flaws and page.get("target"):
            page["moved"] = page["target"]
        page["gone"] = status == 410 and "asks the gone" not in self._flaws
        page["missing"] = page.get("missing", 0) + (status == 404)
        if "same pause" not in self._flaws:
            page["wait"] = max(2 * page.get("wait", 0.0), self._job.interval)
            page["until"] = time.time() + (86_400 if page["missing"] >= 3 else page["wait"])
        if (asked := fields.get("retry-after")) and "deaf" not in self._flaws:
            page["until"] = time.time() + 1 + _wait(asked)

    def _keep(self, page: Page, status: int, fields: dict[str, str], body: bytes) -> None:
        if status == 304 and "ignores 304" in self._flaws:
            return
        same = page.get("body") == len(body)
        if status == 200 and same and "same body same validators" in self._flaws:
            return
        etag = page.get("etag")
        if "looks at the ETag only" in self._flaws and etag and etag == fields.get("etag"):
            return
        if status == 200:
            page |= {"etag": None, "date": None, "body": len(body)}
        page["etag"] = fields.get("etag", page.get("etag"))
        page["date"] = fields.get("last-modified", page.get("date"))

    def _freshness(self, fields: dict[str, str]) -> float:
        found = re.search(r"max-age=(\d+)", fields.get("cache-control", ""))
        if "heuristic" in self._flaws and not found and "last-modified" in fields:
            return 86_400.0
        if "expires" in fields and not found and "no Expires" not in self._flaws:
            return max(parsedate_to_datetime(fields["expires"]).timestamp() - time.time(), 0)
        if found is None or "hasty" in self._flaws:
            return 0.0
        if "trusts Date" in self._flaws and fields.get("date", "").startswith(_TOMORROW):
            return 86_400.0
        return float(found[1]) - int(fields.get("age", 0))


_TOMORROW = formatdate(time.time() + 86_400, usegmt=True)[:16]


def _wait(value: str) -> float:
    if value.isdigit():
        return float(value)
    return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)


EVERYTHING = (
    "no lock", "all at once", "forgets", "retries all", "page only", "leaks", "hurries",
    "adds a query", "asks HEAD", "nameless", "tells all", "closes", "same pause", "deaf", "hasty",
    "forgets moves", "asks the gone",
)  # fmt: skip
"""All the flaws of a script that somebody wrote in five minutes."""

FLAWS = {
    "forgets": "P1",
    "strips": "P2",
    "renders dates": "P3",
    "empty": "P4",
    "one of both": "P4",
    "same body same validators": "P5",
    "looks at the ETag only": "P6",
    "ignores 304": "P7",
    "clears": "P8",
    "poisons": "P8",
    "hasty": "P9",
    "no Expires": "P9",
    "heuristic": "P9",
    "trusts Date": "P9",
    "page only": "P10",
    "deaf": "P10",
    "same pause": "P11",
    "retries all": "P12",
    "forgets moves": "P13",
    "believes 302": "P13",
    "follows rubbish": "P14",
    "asks the gone": "P15",
    "leaks": "P16",
    "tells all": "P16",
    "adds a query": "P16",
    "asks HEAD": "P17",
    "nameless": "P19",
    "hurries": "P20",
    "all at once": "P20",
    "closes": "P21",
    "no lock": "P22",
}
"""Flaw → the rule that it breaks."""
