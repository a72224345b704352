from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import httpcore
from httpcore._backends.auto import AutoBackend

from streams.hook import AsyncHook
from streams.hook.resting import Rest
from streams.wire.records import DECISION
from tests.detector.builders import event
from tests.streams.hook.test_client import COMMAND, right

#: An httpx pool has 100 connections.
CALLS = 150


@asynccontextmanager
async def answering() -> AsyncIterator[str]:
    """Serve the right decision to every request."""
    body = DECISION.encode(right())
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                lines = request.lower().split(b"\r\n")
                (length,) = (line for line in lines if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
                writer.write(head.encode() + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_calls_that_ran_out_of_time_do_not_use_up_the_connections() -> None:
    """httpcore never reuses or closes a new connection whose request is cancelled before it begins.

    On a busy machine that happens often enough: after 100 times no call would ever be answered.
    """

    async def connected(*_: object, **__: object) -> httpcore.AsyncMockStream:
        return httpcore.AsyncMockStream([])

    async def begin_late(*_: object) -> None:
        await asyncio.sleep(10)

    async with answering() as url, AsyncHook(url, deadline_ms=500) as hook:
        hook._requests.connections.current().rest = Rest(2 * CALLS, 0.0)
        with (
            mock.patch.object(AutoBackend, "connect_tcp", connected),
            mock.patch.object(httpcore.AsyncHTTP11Connection, "handle_async_request", begin_late),
        ):
            asked = [event(event_id=f"e{number}") for number in range(CALLS)]
            await asyncio.gather(*map(hook.decide, asked))

        assert [await hook.decide(COMMAND) for _ in range(3)] == [right()] * 3
