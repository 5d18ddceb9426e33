"""Write every part anew; see the package."""

from __future__ import annotations

from docs import pages, renewed
from docs.reference import REFERENCE
from docs.transcripts import TRANSCRIPTS


def main() -> None:
    """Write what has changed."""
    for path in pages():
        page = path.read_text("utf-8")
        fresh = renewed(page, {**REFERENCE, **TRANSCRIPTS})
        if fresh != page:
            path.write_text(fresh, "utf-8")


if __name__ == "__main__":
    main()
