"""The TCP server of the Wyoming bridge."""

from __future__ import annotations

import asyncio

from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer

from streams.runtimes.bridges.wyoming import WyomingBridge

__all__ = ["serve"]


class _Connection(AsyncEventHandler):
    """One connection of a pipeline."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bridge: WyomingBridge
    ) -> None:
        super().__init__(reader, writer)
        self._bridge = bridge
        address = writer.get_extra_info("peername")
        self._peer = str(address[0]) if address else "local"

    async def handle_event(self, event: Event) -> bool:
        """Answer an event; the connection stays open."""
        async for each in self._bridge.replies(event, self._peer):
            await self.write_event(each)
        return True


async def serve(bridge: WyomingBridge, listen: str) -> None:
    """Serve pipelines at ``listen``, as ``tcp://HOST:PORT`` or ``unix://PATH``, until cancelled.

    Raises:
        ValueError: ``listen`` is not such an address.
        OSError: the address cannot be used.
    """
    server = AsyncServer.from_uri(listen)
    await server.run(lambda reader, writer: _Connection(reader, writer, bridge))
