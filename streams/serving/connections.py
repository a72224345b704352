"""Open connections. If there is no room, a new connection replaces one that waits for its client.

The replaced connection is the one that has waited longest. A flood of connections that send
nothing, or only part of a request, therefore evicts itself, and a client that sends a whole request
is answered. A connection whose request is being processed is never evicted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.telemetry import metrics

__all__ = ["Connections", "Place"]


@dataclass(slots=True)
class _Peer:
    """The connections of one address; ``waiting`` is ordered by when the wait began."""

    count: int = 0
    waiting: dict[Place, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Place:
    """An admitted connection; ``close`` ends it at once, in any state."""

    connections: Connections
    peer: str
    close: Callable[[], object]
    admitted: bool = True

    def mark_waiting(self) -> None:
        """Record that the server waits for a request of the client, or for the rest of one."""
        if self.admitted:
            self.connections.peers[self.peer].waiting[self] = None

    def mark_busy(self) -> None:
        """Record that a whole request has arrived."""
        if self.admitted:
            self.connections.peers[self.peer].waiting.pop(self, None)

    def leave(self) -> None:
        """Remove the connection, which has ended."""
        if not self.admitted:
            return
        self.admitted = False
        peer = self.connections.peers[self.peer]
        peer.waiting.pop(self, None)
        peer.count -= 1
        self.connections.count -= 1
        if not peer.count:
            del self.connections.peers[self.peer]


class Connections:
    """Admits connections.

    Args:
        most: the limit of all connections.
        most_per_address: the limit of one address; for IPv6, of one /64, the network that an
            internet provider assigns to one customer.
    """

    def __init__(self, most: int, most_per_address: int) -> None:
        self.most, self.most_per_address = most, most_per_address
        self.count = 0
        self.peers: dict[str, _Peer] = {}

    def admit(self, address: str, close: Callable[[], object]) -> Place | None:
        """Return a place that is marked as waiting; ``None`` if no connection can be evicted."""
        name = _network(address)
        if not self._make_room(name):
            metrics.CUT.labels("full").inc()
            return None
        peer = self.peers.setdefault(name, _Peer())
        peer.count += 1
        self.count += 1
        place = Place(self, name, close)
        place.mark_waiting()
        return place

    def shed(self) -> bool:
        """Evict a connection of the address with the most connections; return whether it could.

        Only addresses with a waiting connection count.
        """
        waiting = (peer for peer in self.peers.values() if peer.waiting)
        return self._evict(max(waiting, key=lambda peer: peer.count, default=_Peer()))

    def _make_room(self, name: str) -> bool:
        peer = self.peers.get(name)
        if peer is not None and peer.count >= self.most_per_address:
            return self._evict(peer)
        return self.count < self.most or self.shed()

    def _evict(self, peer: _Peer) -> bool:
        place = next(iter(peer.waiting), None)
        if place is None:
            return False
        metrics.CUT.labels("crowded").inc()
        place.leave()
        place.close()
        return True


def _network(address: str) -> str:
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return (
        str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
    )
