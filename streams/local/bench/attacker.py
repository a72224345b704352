"""Attacks an HTTP server for some seconds, in its own process.

``python -m streams.local.bench.attacker KIND PORT SECONDS``
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import uvloop

__all__ = ["ATTACKS", "UNDER_WAY", "Attack"]

Writer = asyncio.StreamWriter

_HOST = b"host: 127.0.0.1\r\n"
_POST = b"POST /v1/decide HTTP/1.1\r\n" + _HOST + b"content-type: application/json\r\n"
_CHUNKED = _POST + b"transfer-encoding: chunked\r\n\r\n"
_GET = b"GET %b HTTP/1.1\r\n" + _HOST + b"\r\n"
_PIECE = 65_536
#: Seconds between two bytes of a slow attack.
_SLOWLY = 0.5
_FOREVER = 3_600.0
#: Seconds until every connection is open, and the line that is then printed.
_SETTLED, UNDER_WAY = 1.0, "the attack is under way"


async def _send(writer: Writer, first: bytes, part: bytes, pause: float = 0.0) -> None:
    """Send ``first``, then ``part`` without end, with ``pause`` seconds in between."""
    writer.write(first)
    while True:
        await writer.drain()
        await asyncio.sleep(pause)
        writer.write(part)


async def _hold(writer: Writer, first: bytes = b"") -> None:
    """Send ``first``, then keep the connection open."""
    writer.write(first)
    await writer.drain()
    await asyncio.sleep(_FOREVER)


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of attack.

    Attributes:
        connections: how many connections it opens.
        act: what it does on each of them.
        reads: whether it reads the responses.
        reopen_seconds: after which time (±50 %) it reopens a connection that the server closed.
    """

    connections: int
    act: Callable[[Writer], Awaitable[None]]
    reads: bool = True
    reopen_seconds: float = 1.0


ATTACKS: Mapping[str, Attack] = MappingProxyType(
    {
        "header without end": Attack(8, lambda w: _send(w, _POST + b"a: ", b"x" * _PIECE)),
        "header sent slowly": Attack(200, lambda w: _send(w, _POST + b"a: ", b"x", _SLOWLY)),
        "1,100 half-open connections": Attack(1_100, _hold, reopen_seconds=10.0),
        "650 new connections a second": Attack(1_100, _hold),
        "body without end": Attack(
            8, lambda w: _send(w, _CHUNKED, b"10000\r\n" + b"x" * _PIECE + b"\r\n")
        ),
        "body in chunks of one byte": Attack(
            8, lambda w: _send(w, _CHUNKED, b"1\r\nx\r\n" * 10_000)
        ),
        "body of 300 MB": Attack(
            8, lambda w: _send(w, _POST + b"content-length: 300000000\r\n\r\n", b"x" * _PIECE)
        ),
        "body sent slowly": Attack(
            200, lambda w: _send(w, _POST + b"content-length: 5000\r\n\r\n", b"x", _SLOWLY)
        ),
        "1,100 idle connections": Attack(
            1_100, lambda w: _hold(w, _GET % b"/healthz"), reopen_seconds=10.0
        ),
        "requests without waiting": Attack(
            8, lambda w: _send(w, b"", (_GET % b"/healthz") * 1_000)
        ),
        "unread answers": Attack(200, lambda w: _hold(w, (_GET % b"/metrics") * 8), reads=False),
        "unread events": Attack(200, lambda w: _hold(w, _GET % b"/v1/late"), reads=False),
    }
)


async def _attack(attack: Attack, port: int, seconds: float) -> None:
    async def one() -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(attack.reopen_seconds * random.uniform(0.5, 1.5))
                continue
            acting = asyncio.ensure_future(attack.act(writer))
            try:
                while attack.reads and await reader.read(_PIECE):
                    pass
                await (acting if not attack.reads else asyncio.sleep(0))
            except OSError:
                pass
            finally:
                acting.cancel()
                writer.transport.abort()
            await asyncio.sleep(attack.reopen_seconds * random.uniform(0.5, 1.5))

    connections = [asyncio.create_task(one()) for _ in range(attack.connections)]
    await asyncio.sleep(_SETTLED)
    print(UNDER_WAY, flush=True)
    await asyncio.sleep(seconds)
    for each in connections:
        each.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


def main() -> None:
    """Run the attack that the command line names."""
    kind, port, seconds = sys.argv[1:]
    os.nice(10)  # the attacker shares the machine's cores with the measured calls
    uvloop.run(_attack(ATTACKS[kind], int(port), float(seconds)))


if __name__ == "__main__":
    main()
