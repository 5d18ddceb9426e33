"""Settings → the fetcher, for whoever asks pages."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from efficient_status.config import Settings
from efficient_status.fetch import Fetcher, FetchLimits, Gate, Reach

CACHE = "cache.sqlite3"  # in the state folder


def fetcher_for(settings: Settings, cache: Path | str, *, keepalive: float) -> Fetcher:
    """The fetcher that these settings ask for.

    Args:
        cache, keepalive: see `Fetcher`.
    """
    return Fetcher(
        cache,
        gate=Gate(settings.host_spacing, settings.host_in_flight),
        limits=FetchLimits(
            **asdict(settings.limits),
            freshness=settings.max_freshness,
            follow_to_http=settings.follow_to_http,
        ),
        connections=settings.connections,
        http2=settings.http2,
        contact=settings.contact,
        keepalive=keepalive,
        reach=Reach([*settings.own_hosts, *settings.allow_hosts]),
    )
