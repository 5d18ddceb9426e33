# mypy: disable-error-code="import-not-found,import-untyped"
"""feedparser + requests with validators of one's own: the usual script.  Reads `urls`."""

import json
from pathlib import Path

import feedparser
import requests

memory = Path("memory.json")
known = json.loads(memory.read_text()) if memory.exists() else {}
session = requests.Session()
for url in Path("urls").read_text().split():
    headers = {"If-None-Match": known[url]["etag"]} if url in known else {}
    answer = session.get(url, headers=headers, timeout=30)
    if answer.status_code == 200:
        ids = [entry.id for entry in feedparser.parse(answer.content).entries]
        known[url] = {"etag": answer.headers.get("ETag"), "ids": ids}
memory.write_text(json.dumps(known))
