"""Write every part anew; see the package."""

from __future__ import annotations

from collections.abc import Callable

from docs import pages, parts_of, renewed
from docs.reference import REFERENCE
from docs.transcripts import TRANSCRIPTS, alike


def main() -> None:
    """Write what has changed; a transcript stays if only its times and sizes would be others."""
    for path in pages():
        page = path.read_text("utf-8")
        known = parts_of(page)
        played = {name: _kept(known.get(name, ""), play) for name, play in TRANSCRIPTS.items()}
        fresh = renewed(page, {**REFERENCE, **played})
        if fresh != page:
            path.write_text(fresh, "utf-8")


def _kept(known: str, play: Callable[[], str]) -> Callable[[], str]:
    def part() -> str:
        played = play()
        return known if alike(known) == alike(played) else played

    return part


if __name__ == "__main__":
    main()
