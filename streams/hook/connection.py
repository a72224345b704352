"""HTTP connections to the gateway: one pool for each event loop, and responses of bounded size.

Proxies and ``.netrc`` of the environment are ignored unless the runtime opts in. Redirects are not
followed, cookies are not stored, and compressed responses are not decompressed.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from importlib import import_module

import httpx

from streams.hook.hedging import Hedge
from streams.hook.resting import Rest
from streams.wire.http_headers import POLICY_VERSION
from streams.wire.records import MAX_BYTES

__all__ = [
    "FAILURES",
    "REST_SECONDS",
    "Answer",
    "Connection",
    "Connections",
    "GatewayError",
    "Origin",
    "warm",
]

#: The share of the deadline after which a second attempt starts. The worker usually answers within
#: a few milliseconds.
_HEDGE_SHARE = 0.4
#: Consecutive failures that open the circuit breaker, and the seconds for which it stays open.
FAILURES, REST_SECONDS = 5, 1.0
#: Cancelled requests after which a pool is replaced, and the seconds for which confirmations and
#: outcomes may still use it.
_MOST_CANCELLED, _OTHER_CALLS = 20, 5.0
#: The media types of a gateway's responses. Another type comes from another server, such as a
#: proxy's error page.
_JSON = ("application/json", "application/problem+json")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of bounded size.

    Attributes:
        status: the status code.
        content: the body; ``None`` if its media type is not JSON, it is compressed, or it is larger
            than any response of a gateway.
        policy: the version of the gateway's policy, if the response names it.
    """

    status: int
    content: bytes | None
    policy: str | None = None


class GatewayError(Exception):
    """The gateway responded with a server error (status 500 or above)."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The gateway's address and how to connect to it.

    Attributes:
        url: the gateway's address.
        token: the bearer token.
        tls: the TLS context that verifies its certificate.
        trust_env: whether to use proxies and ``.netrc`` from the environment.
    """

    url: httpx.URL
    token: str | None
    tls: ssl.SSLContext
    trust_env: bool


class Connection:
    """The connections of one event loop, with its hedge and its circuit breaker."""

    def __init__(self, origin: Origin, deadline: float) -> None:
        self.hedge = Hedge(deadline * _HEDGE_SHARE)
        self.rest = Rest(FAILURES, REST_SECONDS)
        self._deadline = deadline
        headers = {"accept-encoding": "identity"}
        if origin.token is not None:
            headers["authorization"] = f"Bearer {origin.token}"
        self._new_client = partial(
            httpx.AsyncClient,
            base_url=origin.url,
            timeout=None,
            headers=headers,
            verify=origin.tls,
            trust_env=origin.trust_env,
        )
        self._client = self._opened()
        self._cancelled = 0
        self._retired: set[asyncio.Task[None]] = set()

    async def post(self, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        """Send a body and return the response.

        Raises:
            GatewayError: the status is 500 or above.
            httpx.HTTPError: the gateway cannot be reached.
        """
        client = self._client
        try:
            async with client.stream("POST", path, content=content, headers=headers) as response:
                answer = Answer(
                    response.status_code,
                    await _body(response),
                    response.headers.get(POLICY_VERSION),
                )
        except asyncio.CancelledError:
            self._count_cancelled(client)
            raise
        if response.is_server_error:
            raise GatewayError(answer)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        for retired in self._retired:
            retired.cancel()
        await asyncio.gather(*self._retired, return_exceptions=True)
        await self._client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        client = self._new_client()
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return client

    def _count_cancelled(self, client: httpx.AsyncClient) -> None:
        """Replace the client after some requests that were cancelled.

        httpcore 1.0 neither reuses nor closes a new connection if its request is cancelled just
        before it begins. The pool has 100 connections; without them, no request would be sent.
        """
        if client is not self._client:
            return
        self._cancelled += 1
        if self._cancelled >= _MOST_CANCELLED:
            self._client, self._cancelled = self._opened(), 0
            closing = asyncio.create_task(_close_later(client, self._deadline + _OTHER_CALLS))
            self._retired.add(closing)
            closing.add_done_callback(self._retired.discard)


async def _close_later(client: httpx.AsyncClient, seconds: float) -> None:
    """Close a client once its last calls have ended."""
    try:
        await asyncio.sleep(seconds)
    finally:
        with suppress(httpx.HTTPError, OSError, RuntimeError):
            await client.aclose()


def warm() -> None:
    """Import what httpx imports lazily, so that the first request does not pay for it."""
    for name in ("httpcore", "h11", "sniffio", "anyio.to_thread", "anyio._backends._asyncio"):
        with suppress(ImportError):
            import_module(name)


class Connections:
    """One ``Connection`` for each process and event loop; they cannot be shared."""

    def __init__(self, origin: Origin, deadline: float) -> None:
        self._origin, self._deadline = origin, deadline
        #: By process id. A child never uses or closes its parent's connections.
        self._open: dict[int, dict[asyncio.AbstractEventLoop, Connection]] = {}

    def current(self) -> Connection:
        """Return the connection of the running event loop."""
        ours, loop = self._open.setdefault(os.getpid(), {}), asyncio.get_running_loop()
        if loop not in ours:
            for closed in [known for known in tuple(ours) if known.is_closed()]:
                ours.pop(closed, None)
            ours[loop] = Connection(self._origin, self._deadline)
        return ours[loop]

    async def close(self) -> None:
        """Close the connection of the running event loop only."""
        ours = self._open.get(os.getpid(), {}).pop(asyncio.get_running_loop(), None)
        if ours is not None:
            with suppress(httpx.HTTPError, OSError, RuntimeError):
                await ours.close()


async def _body(response: httpx.Response) -> bytes | None:
    media = response.headers.get("content-type", _JSON[0]).partition(";")[0].strip().lower()
    if media not in _JSON or response.headers.get("content-encoding", "identity") != "identity":
        return None
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > MAX_BYTES:
            return None
    return bytes(content)
