"""Callbacks: late answers, sent to the URL that the runtime gave with its request.

Each host of a tenant has its own queue, so a slow or unresponsive host delays no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import httpx

from streams.serving.hosts import CALLBACK
from streams.telemetry import metrics

__all__ = ["Callbacks"]

logger = logging.getLogger(__name__)

#: Callbacks queued for one host. Beyond it the oldest is dropped; the log still has it.
_WAITING = 1_000
#: Seconds for one attempt, seconds between two, and the number of attempts. A few seconds later a
#: command can hardly be undone any more, so later retries would be useless.
_SECONDS, _PAUSE, _ATTEMPTS = 2.0, 0.5, 3
#: Concurrent requests to one host.
_CONCURRENT = 4
#: No server of this project accepts this media type or header, so a callback is never a command.
_HEADERS = {"content-type": "application/vnd.misfire.late+json", CALLBACK: "1"}


@dataclass(slots=True, eq=False)
class _Callback:
    """A callback to send; ``dropped`` is set if its household is erased first."""

    url: str
    household_id: str
    content: bytes
    dropped: bool = False


class Callbacks:
    """Sends callbacks between ``start`` and ``stop``; earlier ones are queued."""

    def __init__(self) -> None:
        self._started = False
        self._waiting: dict[tuple[str, str], deque[_Callback]] = {}
        self._sending: set[_Callback] = set()
        self._tasks: dict[asyncio.Task[None], tuple[str, str]] = {}
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Start sending."""
        self._started = True
        for host in self._waiting:
            self._send_more(host)

    async def stop(self) -> None:
        """Stop sending."""
        self._started = False
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def send(self, tenant: str, url: str, household_id: str, content: bytes) -> None:
        """Queue one callback, without blocking."""
        host = (tenant, "/".join(url.split("/", 3)[:3]))
        waiting = self._waiting.setdefault(host, deque())
        if len(waiting) >= _WAITING:
            waiting.popleft()
            metrics.LATE_DROPPED.inc()
        waiting.append(_Callback(url, household_id, content))
        if self._started:
            self._send_more(host)

    def forget(self, household_id: str | None = None) -> None:
        """Drop the callbacks about a household, or about every household if it is ``None``."""
        for callback in (
            *self._sending,
            *(each for waiting in self._waiting.values() for each in waiting),
        ):
            callback.dropped |= household_id in {None, callback.household_id}

    def _send_more(self, host: tuple[str, str]) -> None:
        if sum(each == host for each in self._tasks.values()) < _CONCURRENT:
            task = asyncio.create_task(self._send_all(host))
            self._tasks[task] = host
            task.add_done_callback(self._tasks.pop)

    async def _send_all(self, host: tuple[str, str]) -> None:
        """Send the callbacks of one host until its queue is empty."""
        while waiting := self._waiting.get(host):
            callback = waiting.popleft()
            self._sending.add(callback)
            try:
                delivered = await self._post(callback)
            finally:
                self._sending.discard(callback)
            if not callback.dropped:
                metrics.CALLBACKS.labels("delivered" if delivered else "failed").inc()
        with suppress(KeyError):
            del self._waiting[host]

    async def _post(self, callback: _Callback) -> bool:
        """Send one callback; its event_id identifies it if it is delivered twice."""
        # Created on first use: loading certificates blocks the event loop for 50 ms.
        client = self._client = self._client or httpx.AsyncClient(
            timeout=_SECONDS, follow_redirects=False, trust_env=False
        )
        for attempt in range(_ATTEMPTS):
            await asyncio.sleep(attempt * _PAUSE)
            if callback.dropped:
                return False
            try:
                # Only the status matters, so the response body is not read.
                async with (
                    asyncio.timeout(_SECONDS),
                    client.stream(
                        "POST", callback.url, content=callback.content, headers=_HEADERS
                    ) as answer,
                ):
                    status = answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                logger.warning(
                    "a late answer could not be sent to its callback: %s", type(error).__name__
                )
                continue
            if httpx.codes.is_success(status):
                return True
            logger.warning("a callback refused a late answer with status %d", status)
        return False
