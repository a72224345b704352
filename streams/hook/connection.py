"""The way to the gateway and back: one pool of connections for each event loop, and answers of bounded size.

Nothing is taken from the environment (proxies, ``.netrc``) unless the runtime asks for it. No redirect is followed, no cookie is kept,
and no compressed answer is unpacked.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass
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

#: The share of the deadline after which a second attempt begins: the worker's rung takes a few milliseconds as a rule.
_HEDGE_SHARE = 0.4
#: Failures in a row after which the gateway is left alone, and for how many seconds.
FAILURES, REST_SECONDS = 5, 1.0
#: What a gateway answers with. Another type is another server's, such as a proxy's page.
_JSON = ("application/json", "application/problem+json")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of bounded size.

    Attributes:
        status: the status code.
        content: the body; ``None`` where it is no JSON by its type, is compressed, or is larger than any answer of a gateway.
        policy: the version of the gateway's policy, where it says so.
    """

    status: int
    content: bytes | None
    policy: str | None = None


class GatewayError(Exception):
    """The gateway answered that it cannot answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the gateway is, and how it is reached.

    Attributes:
        url: its address.
        token: the bearer token that it asks for.
        tls: how its certificate is checked.
        trust_env: whether proxies are taken from the environment.
    """

    url: httpx.URL
    token: str | None
    tls: ssl.SSLContext
    trust_env: bool


class Connection:
    """The connections of one event loop, and what is known of the gateway there."""

    def __init__(self, origin: Origin, deadline: float) -> None:
        self.hedge = Hedge(deadline * _HEDGE_SHARE)
        self.rest = Rest(FAILURES, REST_SECONDS)
        headers = {"accept-encoding": "identity"}
        if origin.token is not None:
            headers["authorization"] = f"Bearer {origin.token}"
        self._client = httpx.AsyncClient(
            base_url=origin.url,
            timeout=None,  # noqa: S113 - the whole call has one deadline
            headers=headers,
            verify=origin.tls,
            trust_env=origin.trust_env,
        )
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def post(self, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        """Send a body and return the answer.

        Raises:
            GatewayError: the gateway says that it cannot answer (a status of 500 and above).
            httpx.HTTPError: it cannot be reached.
        """
        async with self._client.stream("POST", path, content=content, headers=headers) as response:
            answer = Answer(
                response.status_code, await _body(response), response.headers.get(POLICY_VERSION)
            )
        if response.is_server_error:
            raise GatewayError(answer)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def warm() -> None:
    """Import what httpx imports at the first connection, so that the first question does not wait for it."""
    for name in ("httpcore", "h11", "anyio.to_thread", "anyio._backends._asyncio"):
        with suppress(ImportError):
            import_module(name)


class Connections:
    """A ``Connection`` for each event loop that asks, and for each process: none of them can be shared."""

    def __init__(self, origin: Origin, deadline: float) -> None:
        self._origin, self._deadline = origin, deadline
        #: By process; a child never touches its parent's, not even to close them.
        self._open: dict[int, dict[asyncio.AbstractEventLoop, Connection]] = {}

    def current(self) -> Connection:
        """Return the running event loop's."""
        ours, loop = self._open.setdefault(os.getpid(), {}), asyncio.get_running_loop()
        if loop not in ours:
            for closed in [known for known in tuple(ours) if known.is_closed()]:
                ours.pop(closed, None)
            ours[loop] = Connection(self._origin, self._deadline)
        return ours[loop]

    async def close(self) -> None:
        """Close those of the running event loop; those of others are closed there."""
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
