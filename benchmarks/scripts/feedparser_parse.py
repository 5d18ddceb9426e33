# mypy: disable-error-code="import-not-found,import-untyped"
"""feedparser on command: each line is [document, times], the answer µs of CPU a document."""

import json
import sys
import time

import feedparser

for line in sys.stdin:
    document, times = json.loads(line)
    data = document.encode()
    start = time.process_time_ns()
    for _ in range(times):
        assert len(feedparser.parse(data).entries) == 25
    print((time.process_time_ns() - start) / times / 1e3, flush=True)
