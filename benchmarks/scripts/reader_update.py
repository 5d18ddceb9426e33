# mypy: disable-error-code="import-not-found,import-untyped"
"""lemon24/reader: one update of all feeds.  Reads `urls`."""

from pathlib import Path

from reader import make_reader

reader = make_reader("reader.sqlite3")
for url in Path("urls").read_text().split():
    reader.add_feed(url, exist_ok=True)
reader.update_feeds(scheduled=False, workers=8)
