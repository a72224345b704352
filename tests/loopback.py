"""HTTP requests of the tests to processes on loopback.

``httpx.get`` loads all certificate authorities for each request. That takes 35 ms of CPU, and tests
poll. This client trusts no authority, so it loads none.
"""

from __future__ import annotations

import ssl

import httpx

__all__ = ["get", "post"]

#: Keeps no connections, because tests kill and suspend the servers.
_CLIENT = httpx.Client(
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    limits=httpx.Limits(max_keepalive_connections=0),
    timeout=5,
    trust_env=False,
)
get, post = _CLIENT.get, _CLIENT.post
