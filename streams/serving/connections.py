"""Who is connected. Where there is no room, the client that has been waited for longest gives way to a new one.

A flood of connections that send nothing, or not all, or nothing any more, so pushes itself out, and whoever sends a whole request
comes in and is answered. A connection whose request is being worked on never gives way.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.telemetry import metrics

__all__ = ["Connections", "Place"]


@dataclass(slots=True)
class _Peer:
    """The connections of one address; those that wait for their client are in the order in which they began to."""

    count: int = 0
    waiting: dict[Place, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Place:
    """One connection's place. ``close`` ends the connection at once, in whatever state it is."""

    connections: Connections
    peer: str
    close: Callable[[], object]
    taken: bool = True

    def waits(self) -> None:
        """The client is to send a request, or the rest of one."""
        if self.taken:
            self.connections.peers[self.peer].waiting[self] = None

    def works(self) -> None:
        """A whole request is here."""
        if self.taken:
            self.connections.peers[self.peer].waiting.pop(self, None)

    def leave(self) -> None:
        """The connection has ended."""
        if not self.taken:
            return
        self.taken = False
        peer = self.connections.peers[self.peer]
        peer.waiting.pop(self, None)
        peer.count -= 1
        self.connections.count -= 1
        if not peer.count:
            del self.connections.peers[self.peer]


class Connections:
    """Gives places to connections.

    Args:
        most: places for all.
        most_of_one: places for one address; of IPv6 the network that a customer gets (/64).
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self.most, self.most_of_one = most, most_of_one
        self.count = 0
        self.peers: dict[str, _Peer] = {}

    def enter(self, address: str, close: Callable[[], object]) -> Place | None:
        """Return a place, which waits for its client; ``None`` where nobody can give way."""
        name = _network(address)
        if not self._make_room(name):
            metrics.CUT.labels("full").inc()
            return None
        peer = self.peers.setdefault(name, _Peer())
        peer.count += 1
        self.count += 1
        place = Place(self, name, close)
        place.waits()
        return place

    def shed(self) -> bool:
        """Let one connection give way, of the address that has most among those with one to give; return whether there was one."""
        waiting = (peer for peer in self.peers.values() if peer.waiting)
        return self._gives_way(max(waiting, key=lambda peer: peer.count, default=_Peer()))

    def _make_room(self, name: str) -> bool:
        peer = self.peers.get(name)
        if peer is not None and peer.count >= self.most_of_one:
            return self._gives_way(peer)
        return self.count < self.most or self.shed()

    def _gives_way(self, peer: _Peer) -> bool:
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
