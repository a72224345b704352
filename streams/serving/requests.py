"""Requests as HTTP/1.1 wants them read, where uvicorn reads them otherwise: a switch to another protocol, and a whole URL as target."""

from __future__ import annotations

import httptools

__all__ = ["Headers", "with_targets_host", "without_upgrade"]

Headers = list[tuple[bytes, bytes]]
_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return a request's head without its wish for another protocol, which a server may pass over (RFC 9110, 7.8).

    The parser ends a request that has such a wish behind its head, and takes its body for the next request.
    """
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    lines += [b"%s: %s" % (name, value) for name, value in headers if name not in _UPGRADE]
    return b"\r\n".join([*lines, b"", b""])


def with_targets_host(url: bytes, headers: Headers) -> Headers:
    """Return the headers with the host of the target, where the target is a whole URL: it counts, and not ``Host`` (RFC 9112, 3.2.2).

    Raises:
        HttpParserInvalidURLError: the target is none.
    """
    if httptools.parse_url(url).host is None:
        return headers
    host = url.partition(b"://")[2].replace(b"?", b"/").replace(b"#", b"/").partition(b"/")[0]
    return [(name, host if name == b"host" else value) for name, value in headers]
