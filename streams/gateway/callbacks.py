"""Callbacks: late answers that are sent to the address that the runtime gave with its question.

Each tenant's each host has a queue of its own, so a host that is slow or does not answer delays no other.
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

#: Callbacks that wait for one host; beyond it the oldest is dropped, and its late answer stays in the log.
_WAITING = 1_000
#: A callback is tried a few times within seconds: what comes later can hardly be undone any more.
_SECONDS, _PAUSE, _TRIES = 2.0, 0.5, 3
#: Callbacks that one host is sent at a time.
_AT_A_TIME = 4
#: No server of ours accepts a request of this type or with this header: a callback is never a command.
_HEADERS = {"content-type": "application/vnd.misfire.late+json", CALLBACK: "1"}


@dataclass(slots=True, eq=False)
class _Letter:
    """One callback to send; ``dropped`` once its household was erased."""

    url: str
    household_id: str
    content: bytes
    dropped: bool = False


class Callbacks:
    """Sends callbacks from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._started = False
        self._waiting: dict[tuple[str, str], deque[_Letter]] = {}
        self._sending: set[_Letter] = set()
        self._tasks: dict[asyncio.Task[None], tuple[str, str]] = {}
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Begin to send."""
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
        """Put one callback on its way. Never waits."""
        host = (tenant, "/".join(url.split("/", 3)[:3]))
        waiting = self._waiting.setdefault(host, deque())
        if len(waiting) >= _WAITING:
            waiting.popleft()
            metrics.LATE_DROPPED.inc()
        waiting.append(_Letter(url, household_id, content))
        if self._started:
            self._send_more(host)

    def forget(self, household_id: str | None = None) -> None:
        """Send nothing more about a household; ``None`` is every household."""
        for letter in (
            *self._sending,
            *(each for waiting in self._waiting.values() for each in waiting),
        ):
            letter.dropped |= household_id in {None, letter.household_id}

    def _send_more(self, host: tuple[str, str]) -> None:
        if sum(each == host for each in self._tasks.values()) < _AT_A_TIME:
            task = asyncio.create_task(self._send_all(host))
            self._tasks[task] = host
            task.add_done_callback(self._tasks.pop)

    async def _send_all(self, host: tuple[str, str]) -> None:
        """Send what waits for one host, until nothing does."""
        while waiting := self._waiting.get(host):
            letter = waiting.popleft()
            self._sending.add(letter)
            try:
                delivered = await self._post(letter)
            finally:
                self._sending.discard(letter)
            if not letter.dropped:
                metrics.CALLBACKS.labels("delivered" if delivered else "failed").inc()
        with suppress(KeyError):
            del self._waiting[host]

    async def _post(self, letter: _Letter) -> bool:
        """Send one late answer; the event_id in it tells a repeated one."""
        # Made when it is needed: loading certificates takes 50 ms, in which nothing else is answered.
        client = self._client = self._client or httpx.AsyncClient(
            timeout=_SECONDS, follow_redirects=False, trust_env=False
        )
        for attempt in range(_TRIES):
            await asyncio.sleep(attempt * _PAUSE)
            if letter.dropped:
                return False
            try:
                # Only the status is read: what else a callback says, and how slowly, is its own affair.
                async with (
                    asyncio.timeout(_SECONDS),
                    client.stream(
                        "POST", letter.url, content=letter.content, headers=_HEADERS
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
