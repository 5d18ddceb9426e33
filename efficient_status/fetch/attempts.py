"""Redirects, refusals and the one retry: what happens between the cache and the door.

Both transports lie beneath hishel, so that every attempt stays conditional and no refusal can
displace what is stored.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import httpx

from efficient_status.errors import Gone, Moved, PageError, Refused
from efficient_status.fetch.gate import Gate
from efficient_status.fetch.wire import FetchLimits, Wire
from efficient_status.pacing import retry_after

if TYPE_CHECKING:
    from tenacity import AsyncRetrying

_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)


class Attempts(httpx.AsyncBaseTransport):
    """Refuses what is neither a page, «unchanged» nor a redirect, and retries once.

    tenacity is entered only after a first failure (it costs nothing before), with a copy of its
    own per call; exponential wait with full jitter.  A longer wait that a server asks for is not
    spent here: it belongs to pacing.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        gate: Gate,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._gate = gate
        self._clock = clock
        self._sleep = sleep

    @functools.cached_property
    def _retrying(self) -> AsyncRetrying:
        """The policy; tenacity is loaded with the first failure (3 ms that most runs save)."""
        from tenacity import (
            AsyncRetrying,
            retry_if_exception,
            stop_after_attempt,
            wait_random_exponential,
        )

        return AsyncRetrying(
            retry=retry_if_exception(_is_retryable),
            wait=wait_random_exponential(multiplier=0.5, max=8),
            stop=stop_after_attempt(2),
            sleep=self._sleep,
            reraise=True,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and once more after a passing failure."""
        wire: Wire = request.extensions["wire"]
        try:
            return await self._attempt(request)
        except PageError as error:
            if not (wire.may_retry and error.retryable):
                raise
            wire.may_retry = False
            failed: list[PageError] = [error]

        async def again() -> httpx.Response:
            if failed:
                raise failed.pop()
            return await self._attempt(request)

        return await self._retrying.copy()(again)

    async def _attempt(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        status = response.status_code
        request.extensions["wire"].status = status
        if status in (200, 304) or (status in _REDIRECTS and "location" in response.headers):
            return response
        error = refusal(response, self._clock())
        if error.retry_after is not None:
            self._gate.hold(request.url.host, error.retry_after)
        raise error

    async def aclose(self) -> None:
        """Close what is beneath."""
        await self._inner.aclose()


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, PageError) and error.retryable


def refusal(response: httpx.Response, now: float) -> Refused:
    """The error for an answer that is no page."""
    status = response.status_code
    wait = retry_after(response.headers, now) if status in (429, 503) else None
    text = f"HTTP {status} {httpx.codes.get_reason_phrase(status)}".rstrip()
    if wait is not None:
        text += f", asked us to wait {wait:.0f} s"
    return (Gone if status == 410 else Refused)(text, status=status, retry_after=wait)


class Redirects(httpx.AsyncBaseTransport):
    """Follows redirects, at most so many, and notes where permanent ones led (RFC 9110 15.4).

    Credentials never cross to another origin; https falls back to http only where that is allowed.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, limits: FetchLimits) -> None:
        self._inner = inner
        self._limits = limits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Follow until something else than a redirect answers.

        Raises:
            Moved: a loop, too many hops, or a place we do not go to.
        """
        wire: Wire = request.extensions["wire"]
        permanent = True
        seen = [request.url]
        while True:
            response = await self._inner.handle_async_request(request)
            if response.status_code not in _REDIRECTS:
                wire.target = str(request.url)
                return response
            target = self._target(request.url, response.headers["location"])
            if target in seen:
                raise Moved(f"redirects in a loop, back to {target}")
            seen.append(target)
            if len(seen) > self._limits.redirects + 1:
                raise Moved(
                    f"more than {self._limits.redirects} redirects (limits.redirects),"
                    f" the last to {target}"
                )
            permanent = permanent and response.status_code in _PERMANENT
            if permanent:
                wire.moved_to = str(target)
            request = _follow(request, target)

    def _target(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            target = url.join(location).copy_with(fragment=None, userinfo=b"")
        except (httpx.InvalidURL, ValueError) as error:
            raise Moved(f"redirects to a malformed address: {location[:200]!r}") from error
        if target.scheme not in ("http", "https") or not target.host:
            raise Moved(f"redirects to {target}: only http and https are followed")
        down = url.scheme == "https" and target.scheme == "http"
        if down and not self._limits.follow_to_http:
            raise Moved(f"redirects from https to http, {target}: not followed")
        return target

    async def aclose(self) -> None:
        """Close what is beneath."""
        await self._inner.aclose()


def _follow(request: httpx.Request, target: httpx.URL) -> httpx.Request:
    same = (target.scheme, target.host, target.port) == (
        request.url.scheme,
        request.url.host,
        request.url.port,
    )
    drop = (b"host",) if same else (b"host", b"authorization")
    headers = [pair for pair in request.headers.raw if pair[0].lower() not in drop]
    return httpx.Request("GET", target, headers=headers, extensions=request.extensions)
