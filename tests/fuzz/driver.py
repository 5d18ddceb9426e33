"""One target under atheris: `python -m tests.fuzz.driver TARGET [libFuzzer's options]`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["efficient_status"]):
    from tests.fuzz.targets import TARGETS

    for name in list(TARGETS):
        TARGETS[name].run(b"<rss><channel><item><guid>1</guid></item></channel></rss>")
        TARGETS[name].run(b"{}")  # modules are instrumented as they are imported

if __name__ == "__main__":
    _, name, *options = sys.argv
    atheris.Setup([name, *options], TARGETS[name].run)
    atheris.Fuzz()
