from __future__ import annotations

import pytest
from fastapi import Request

from streams.errors import RecordError
from streams.serving.bodies import read_body


async def test_a_client_that_disconnects_within_its_body_is_refused_without_a_traceback() -> None:
    parts: list[dict[str, object]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    asked = Request({"type": "http", "headers": [(b"content-type", b"application/json")]}, receive)
    with pytest.raises(RecordError) as refused:
        await read_body(asked)

    assert refused.value.code == "cut_off"
