"""Limits on what one client may use of a server: bytes, seconds and connections.

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
    "connections_per_address",
    "most_connections",
]

#: Request line and headers together; the same as nginx's largest buffers.
MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 100
#: A body on the wire, including chunk framing: twice the largest batch.
MAX_BODY_BYTES = 2_097_152
#: Chunks and trailers of a body; each costs as much CPU time as some hundred bytes. A client that
#: streams the largest batch in pieces of 8 KiB needs 128.
MAX_CHUNKS = 256
#: Seconds for a whole head and for a whole body. An event fits into one or two packets.
HEAD_SECONDS, BODY_SECONDS = 10.0, 10.0
HANDSHAKE_SECONDS = 5.0
#: Seconds until an idle connection is closed. Load balancers keep theirs for 60 s (nginx, AWS).
IDLE_SECONDS = 75
#: A client must read at least this many bytes of a response in this many seconds.
LEAST_SENT, WRITE_SECONDS = 65_536, 10.0
#: Pipelined requests that have not been answered.
MAX_PIPELINED = 8
#: Input that is read and discarded after a refusal, so the client sees the answer, not a reset.
LINGER_BYTES, LINGER_SECONDS = 1_048_576, 1.0
#: Concurrent connections, fewer if the process may open fewer files. The remaining files are for
#: Kafka, metrics and logs.
MAX_CONNECTIONS = 2_048
_OTHER_FILES = 128


def most_connections() -> int:
    """Return how many connections this process may have, always fewer than its file limit."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, max(files - _OTHER_FILES, files // 2))


def connections_per_address(most: int) -> int:
    """Return how many connections one address may have; a load balancer is one address."""
    return max(1, most // 2)
