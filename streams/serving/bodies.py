"""Reading of request bodies, within a limit."""

from __future__ import annotations

from fastapi import Request
from starlette.requests import ClientDisconnect

from streams.errors import RecordError
from streams.serving.hosts import is_json
from streams.wire.records import MAX_BYTES

__all__ = ["read_body"]


async def read_body(request: Request, most: int = MAX_BYTES) -> bytes:
    """Read a body.

    Raises:
        RecordError: with code ``media_type``, ``too_large`` or ``cut_off``.
    """
    if not is_json(request.headers.get("content-type", "")):
        raise RecordError(
            "media_type", "the body must be application/json, and Content-Type must say so"
        )
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise RecordError("too_large", f"the body has more than {most} bytes")
    except ClientDisconnect:
        raise RecordError("cut_off", "the connection closed before the body was complete") from None
    return bytes(body)
