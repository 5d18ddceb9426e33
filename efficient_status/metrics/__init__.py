"""Metrics for Prometheus, through its own client; loaded only where they are asked for.

Names and units after https://prometheus.io/docs/practices/naming/.  A page is known by its key, as
in events; addresses, incidents and titles are no labels.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client import disable_created_metrics as _without_created

from efficient_status import __version__
from efficient_status.errors import StateError
from efficient_status.models import Event, Happening
from efficient_status.poller import Output, Page, Poll
from efficient_status.state import StateStore

__all__ = ["Metrics"]

_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # of a poll; 30 is the usual limit
_LATE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_without_created()  # type: ignore[no-untyped-call]  # when each series began is half of a scrape, and process_start_time says it


class Metrics:
    """What was seen of one run.

    Args:
        pending: how many notifications wait for their delivery, where there are any at all; asked
            for at each scrape, in another thread.

    Attributes:
        registry: what is exported; nothing of other libraries is in it.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        state: StateStore,
        pending: Callable[[], float] | None = None,
    ) -> None:
        self._state = state
        self.registry = registry = CollectorRegistry()
        build = Info("efficient_status_build", "Version of efficient_status.", registry=registry)
        build.info({"version": __version__})
        self._polls = Counter(
            "efficient_status_polls",
            "Polls by outcome: changed, unchanged, fresh (by its server's word, not asked), held "
            "(its server asked for rest), failed, untold (its events could not be written).",
            ["provider", "outcome"],
            registry=registry,
        )
        self._requests = Counter(
            "efficient_status_requests",
            "Requests sent, redirects and retries among them.",
            ["provider"],
            registry=registry,
        )
        self._bytes = Counter(
            "efficient_status_bytes",
            "Payload of TCP in both directions: bodies, header fields, TLS; of whole answers.",
            ["provider"],
            registry=registry,
        )
        self._seconds = Histogram(
            "efficient_status_poll_duration_seconds",
            "Time in exchanges of the polls that sent a request.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._late = Histogram(
            "efficient_status_lateness_seconds",
            "Time by which polls began after they were due.",
            buckets=_LATE,
            registry=registry,
        )
        self._open = Gauge(
            "efficient_status_open_incidents",
            "Incidents and maintenances that are open; impact «unknown» where none is stated. "
            "A series stays, at 0, once there was one.",
            ["provider", "kind", "impact"],
            registry=registry,
        )
        self._success = Gauge(
            "efficient_status_last_success_timestamp_seconds",
            "When the page was last read, unchanged, or fresh; missing until then.",
            ["provider"],
            registry=registry,
        )
        self._failures = Gauge(
            "efficient_status_failures_in_a_row",
            "Polls that have failed since one that did not.",
            ["provider"],
            registry=registry,
        )
        self._events = Counter(
            "efficient_status_events", "Events told.", ["event"], registry=registry
        )
        if pending is not None:
            Gauge(
                "efficient_status_notifications_pending",
                "Notifications that wait for their delivery.",
                registry=registry,
            ).set_function(pending)
        for happening in Happening:
            self._events.labels(happening.value)
        self._shown: dict[str, set[tuple[str, str]]] = {}  # page → series of open incidents
        for page in pages:
            self._requests.labels(page.label)
            self._bytes.labels(page.label)
            self._failures.labels(page.label).set(page.pacing.failures)
            self._count_open(page)

    def observe(self, page: Page, poll: Poll) -> None:
        """See `scheduler.Observer`."""
        name = page.label
        self._polls.labels(name, poll.outcome).inc()
        self._failures.labels(name).set(page.pacing.failures)
        self._late.observe(page.late)
        if poll.error is None and poll.outcome != "held":
            self._success.labels(name).set_to_current_time()
        if poll.wire is not None and poll.wire.attempts:
            self._requests.labels(name).inc(poll.wire.attempts)
            self._bytes.labels(name).inc(poll.wire.bytes)
            self._seconds.observe(poll.wire.spent)
        if poll.outcome in ("changed", "untold") or poll.events:
            self._count_open(page)

    def counted(self, output: Output) -> Output:
        """The same output, whose events are counted once they were told."""
        return _Counted(output, self._events)

    def _count_open(self, page: Page) -> None:
        """What was told of it and is open, as the state has it now."""
        with suppress(StateError):  # said where it matters
            told = self._state.recall(page.provider.key).told.values()
            found = Tally(
                (each.open.kind.value, each.open.impact.value if each.open.impact else "unknown")
                for each in told
                if each.open
            )
            shown = self._shown.setdefault(page.label, set())
            shown.update(found)
            for kind, impact in shown:
                self._open.labels(page.label, kind, impact).set(found[kind, impact])


class _Counted:
    """See `poller.Output`."""

    def __init__(self, output: Output, events: Counter) -> None:
        self._output = output
        self._events = events

    async def tell(self, event: Event) -> None:
        """Tell it, then count it; nothing waits in between."""
        await self._output.tell(event)
        self._events.labels(event.happening.value).inc()
