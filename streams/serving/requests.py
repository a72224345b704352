"""Two HTTP/1.1 rules that uvicorn does not follow: ignored upgrades and absolute-form targets."""

from __future__ import annotations

import httptools

__all__ = ["Headers", "with_target_host", "without_upgrade"]

Headers = list[tuple[bytes, bytes]]
_UPGRADE = frozenset({b"upgrade", b"http2-settings"})


def without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """Return a request head without its ``Upgrade``, which a server may ignore (RFC 9110, 7.8).

    The parser would end such a request after its head and read its body as the next request.
    """
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    lines += [b"%s: %s" % (name, value) for name, value in headers if name not in _UPGRADE]
    return b"\r\n".join([*lines, b"", b""])


def with_target_host(url: bytes, headers: Headers) -> Headers:
    """Return the headers with the host of an absolute-form target as ``Host`` (RFC 9112, 3.2.2).

    Raises:
        HttpParserInvalidURLError: the target is not a valid URL.
    """
    if httptools.parse_url(url).host is None:
        return headers
    host = url.partition(b"://")[2].replace(b"?", b"/").replace(b"#", b"/").partition(b"/")[0]
    return [(name, host if name == b"host" else value) for name, value in headers]
