"""Minimal clients for the benchmarks: HTTP over persistent connections, and Kafka."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httptools
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.wire.records import CORRELATION_ID, REPLY_PARTITION, header

__all__ = ["HttpClient", "KafkaClient"]


class _Connection(asyncio.Protocol):
    """A connection with one request at a time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] | None = None
        self.closed = False
        self._transport: Any = None
        self._rung = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def ask(self, request: bytes) -> asyncio.Future[str]:
        self.answer = asyncio.get_running_loop().create_future()
        self._rung = ""
        self._transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-misfire-rung":
            self._rung = value.decode()

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(self._rung or f"status {status}")

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError())

    def close(self) -> None:
        self._transport.close()


class HttpClient:
    """Sends events to a gateway, over as many connections as there are concurrent calls."""

    def __init__(self, url: str, deadline_ms: int) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 80))
        self._head = (
            f"POST /v1/decide HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            "content-type: application/json\r\n"
            f"x-misfire-deadline-ms: {deadline_ms}\r\ncontent-length: "
        ).encode()
        self._free: deque[_Connection] = deque()
        self._all: list[_Connection] = []

    async def ask(self, body: bytes) -> str:
        """Send an event and return the rung that answered."""
        while self._free and self._free[-1].closed:
            self._free.pop()
        connection = self._free.pop() if self._free else await self._connect()
        answer = await connection.ask(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        self._free.append(connection)
        return answer

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            _Connection, *self._address
        )
        self._all.append(connection)
        return connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self._all:
            connection.close()


class KafkaClient:
    """Sends events to one topic with aiokafka, and reads answers from partition 0 of another.

    Args:
        broker: ``HOST:PORT``.
        topics: the topic of requests and the topic of answers.
        fetch_max_wait: seconds that a fetch waits for data.
    """

    def __init__(self, broker: str, topics: tuple[str, str], fetch_max_wait: float) -> None:
        self._broker, (self._requests, self._answers), self._wait = broker, topics, fetch_max_wait
        self._waiting: dict[bytes, asyncio.Future[str]] = {}

    async def ask(
        self, number: int, key: str, body: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> str:
        """Send an event, wait for its answer, and return "answered"."""
        correlation = b"%d" % number
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[correlation] = answer
        back = [(REPLY_PARTITION, b"0"), (CORRELATION_ID, correlation)]
        await self._producer.send(self._requests, body, key=key.encode(), headers=[*headers, *back])
        return await answer

    async def _listen(self) -> None:
        async for message in self._consumer:
            answer = self._waiting.pop(header(message.headers, CORRELATION_ID) or b"", None)
            if answer is not None and not answer.done():
                answer.set_result("answered")

    async def __aenter__(self) -> Self:
        self._producer: Any = AIOKafkaProducer(bootstrap_servers=self._broker, acks="all")
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=self._broker,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=max(1, int(1000 * self._wait)),
        )
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._answers, 0)])
        await self._consumer.seek_to_end()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()
