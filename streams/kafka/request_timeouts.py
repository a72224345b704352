"""Request timeouts of aiokafka's consumers: short, but for requests that wait for a whole group.

aiokafka has one timeout for all requests. It must be longer than a rebalance, because JoinGroup and
SyncGroup wait for the other members. With such a timeout, a consumer whose partition's leader or
coordinator hangs does not look for the new one for a minute.
"""

from __future__ import annotations

from typing import Any

from aiokafka.client import ConnectionGroup
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

__all__ = ["shorten_timeouts"]


def shorten_timeouts(client: Any, seconds: float) -> None:
    """Shorten the timeout of all requests but JoinGroup and SyncGroup, which keep the client's.

    Args:
        client: an ``AIOKafkaClient`` that is not connected yet.
        seconds: the timeout.
    """
    patient = client._request_timeout_ms / 1000  # noqa: SLF001 - aiokafka has no public way
    client._request_timeout_ms = int(1000 * seconds)  # noqa: SLF001 - as above
    send = client.send

    async def send_patiently(
        node_id: int, request: Any, *, group: Any = ConnectionGroup.DEFAULT
    ) -> Any:
        if not isinstance(request, JoinGroupRequest | SyncGroupRequest):
            return await send(node_id, request, group=group)
        connection = await client._get_conn(node_id, group=group)  # noqa: SLF001 - as above
        if connection is not None:
            connection._request_timeout = patient  # noqa: SLF001 - as above
        try:
            return await send(node_id, request, group=group)
        finally:
            if connection is not None:
                connection._request_timeout = seconds  # noqa: SLF001 - as above

    client.send = send_patiently
