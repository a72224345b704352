"""What one client of a server may take of it: bytes, seconds and places.

``streams/operations/limits_table.py`` shows all of them in one table.
"""

from __future__ import annotations

import resource

__all__ = [
    "BODY_SECONDS",
    "HANDSHAKE_SECONDS",
    "HEAD_SECONDS",
    "IDLE_SECONDS",
    "LEAST_SENT",
    "LINGER_BYTES",
    "LINGER_SECONDS",
    "MAX_BODY_BYTES",
    "MAX_CHUNKS",
    "MAX_CONNECTIONS",
    "MAX_HEADERS",
    "MAX_HEAD_BYTES",
    "MAX_PIPELINED",
    "WRITE_SECONDS",
    "connections_of_one",
    "most_connections",
]

#: Request line and headers together; nginx takes as much in its largest buffers.
MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 100
#: A body as it comes over the wire, with the chunks' own bytes: twice the largest batch.
MAX_BODY_BYTES = 2_097_152
#: Chunks of a body, and trailers: each costs as much as some hundred bytes.
MAX_CHUNKS = 2_048
#: Seconds for the whole of a head and for the whole of a body. Each event fits into a packet or two.
HEAD_SECONDS, BODY_SECONDS = 10.0, 10.0
HANDSHAKE_SECONDS = 5.0
#: Seconds until an idle connection is closed: longer than the minute that load balancers keep theirs (nginx, AWS: 60 s).
IDLE_SECONDS = 75
#: A client that reads an answer has to take so many bytes in so many seconds.
LEAST_SENT, WRITE_SECONDS = 65_536, 10.0
#: Requests that may follow on a connection before the first of them is answered.
MAX_PIPELINED = 8
#: What is read and thrown away after a refusal, so that the client sees the answer and not a reset.
LINGER_BYTES, LINGER_SECONDS = 1_048_576, 1.0
#: Connections at a time. Fewer where the process may open fewer files; the rest is for Kafka, metrics and logs.
MAX_CONNECTIONS = 2_048
_OTHER_FILES = 128


def most_connections() -> int:
    """Return how many connections this process may have: always fewer than the files that it may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(files - _OTHER_FILES, files // 2))


def connections_of_one(most: int) -> int:
    """Return how many of all connections one address may have: a load balancer has one address as well."""
    return max(1, most // 2)
