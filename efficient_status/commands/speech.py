"""How commands write to stdout: all at once, and without a traceback when nobody reads."""

from __future__ import annotations

import io
import os
import sys

from efficient_status.errors import UsageError


def say(text: str) -> None:
    """Write to stdout; what its encoding lacks is shown as escapes.

    Raises:
        BrokenPipeError: nobody reads any more.
        UsageError: it cannot be written.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise UsageError([f"stdout cannot be written ({error.strerror})"]) from error
