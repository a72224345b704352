"""Requests to the gateway: tokens in place of values, then HTTP, all before one deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from streams.files.household_secrets import SecretUnavailable
from streams.hook.aside import Aside, ThreadUnavailable
from streams.hook.connection import Answer, Connections, GatewayError, Origin
from streams.hook.protocol import Asking

__all__ = ["Requests", "RestingError"]

T = TypeVar("T")


class RestingError(Exception):
    """The circuit breaker is open."""


class Requests:
    """Sends requests to the gateway. Deadlines are times of ``time.monotonic``.

    Args:
        origin: the gateway's address.
        deadline: seconds for a decision, from which the hedging delay follows.
        asking: supplies the tokens and the headers.
    """

    def __init__(self, origin: Origin, deadline: float, asking: Asking) -> None:
        self.asking = asking
        self.connections = Connections(origin, deadline)
        self._aside = Aside()

    async def with_tokens(self, work: Callable[[], T], until: float) -> T:
        """Replace values by tokens; in a thread if reading the household's secret may block.

        Raises:
            RejectedEvent: the value is invalid.
            SecretUnavailable: the household's secret is not available before the deadline.
        """
        if self.asking.tokens is None or not self.asking.tokens.may_block:
            return work()
        try:
            async with asyncio.timeout(until - time.monotonic()):
                return await self._aside.run(work)
        except TimeoutError:
            raise SecretUnavailable(
                "a household's secret was not available before the deadline"
            ) from None
        except ThreadUnavailable as error:
            raise SecretUnavailable(f"a household's secret is not available: {error}") from None

    async def ask(self, content: bytes, until: float) -> Answer:
        """Request a decision, hedged, and count the gateway's failures in a row.

        Raises:
            RestingError: the gateway failed too often; nothing was sent.
            GatewayError, httpx.HTTPError, TimeoutError: the gateway did not answer.
        """
        connection = self.connections.current()
        rest = connection.rest
        if rest.active(time.monotonic()):
            raise RestingError
        try:
            async with asyncio.timeout(until - time.monotonic()):
                answer = await connection.hedge.ask(
                    lambda: self._post("/v1/decide", content, until)
                )
        except (GatewayError, httpx.HTTPError, TimeoutError):
            rest.failed(time.monotonic())
            raise
        rest.answered()
        return answer

    async def send(self, path: str, content: bytes, until: float) -> Answer:
        """Send a request once.

        Raises:
            GatewayError, httpx.HTTPError, TimeoutError: the gateway did not answer.
        """
        async with asyncio.timeout(until - time.monotonic()):
            return await self._post(path, content, until)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        await self.connections.close()

    async def _post(self, path: str, content: bytes, until: float) -> Answer:
        """Send a request with the time that remains until the deadline."""
        left_ms = max(1, round(1000 * (until - time.monotonic())))
        return await self.connections.current().post(path, content, self.asking.headers(left_ms))
