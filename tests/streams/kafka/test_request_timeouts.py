from __future__ import annotations

import asyncio
import socket

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from streams.kafka.request_timeouts import shorten_timeouts


class _Connection:
    def __init__(self) -> None:
        self._request_timeout = 3.0


async def _timeouts(*requests: object) -> list[float]:
    """Return the timeout with which a client with short timeouts sends each request."""
    client = AIOKafkaClient(request_timeout_ms=90_000)
    connection, used = _Connection(), []

    async def get(*_: object, **__: object) -> _Connection:
        return connection

    async def send(*_: object, **__: object) -> None:
        used.append(connection._request_timeout)

    client._get_conn, client.send = get, send
    shorten_timeouts(client, 3.0)
    for request in requests:
        await client.send(1, request, group=ConnectionGroup.COORDINATION)
    return used


def test_only_requests_that_wait_for_the_group_are_patient() -> None:
    sync = SyncGroupRequest("group", 1, "member", None, [])
    heartbeat = HeartbeatRequest("group", 1, "member")

    assert asyncio.run(_timeouts(heartbeat, sync, heartbeat)) == [3.0, 90.0, 3.0]


def test_connections_get_the_short_timeout() -> None:
    async def connect(port: int) -> None:
        client = AIOKafkaClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=90_000)
        shorten_timeouts(client, 0.2)
        try:
            await client.bootstrap()
        finally:
            await client.close()

    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(Exception, match="bootstrap"),
    ):
        asyncio.run(connect(silent.getsockname()[1]))
