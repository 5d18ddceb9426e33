"""A scripted HTTP origin on loopback: the server side of every test that speaks HTTP.

It speaks HTTP/1.1, and HTTP/2 over TLS, from a thread with an event loop of its own, so that
synchronous tests, asyncio tests and subprocesses can all talk to it. It answers what its pages
are told to answer, well or badly, and remembers every request.

It does not route, parse forms, negotiate content or judge a client: what was asked is in
``Origin.log``, and judging is the test's work. It never speaks to anything but its clients.
"""

from .message import Answer, Request
from .origin import Origin
from .page import Page
from .representation import Knobs, Version
from .wire import Ending

__all__ = ["Answer", "Ending", "Knobs", "Origin", "Page", "Request", "Version"]
