from __future__ import annotations

import asyncio

from streams.telemetry.scrapes import ScrapeCache

TEXT, OPEN = "text/plain", "application/openmetrics-text; version=1.0.0"


async def test_concurrent_scrapes_share_one_response_for_a_short_time() -> None:
    now, made = 0.0, []

    def make(accept: str | None) -> tuple[bytes, str]:
        nonlocal now
        now += 1.0
        made.append(accept)
        return b"%d" % len(made), "some type"

    scrapes = ScrapeCache(make, lambda: now)

    found = await asyncio.gather(*(scrapes.answer(TEXT) for _ in range(50)))
    assert {body for body, _ in found} == {b"1"}
    now += 3.9
    assert (await scrapes.answer(TEXT))[0] == b"1"
    now += 0.2
    assert (await scrapes.answer(TEXT))[0] == b"2"
    assert made == [TEXT, TEXT]


async def test_each_format_is_cached_separately() -> None:
    scrapes = ScrapeCache(lambda accept: (str(accept).encode(), ""), lambda: 0.0)

    for accept in (TEXT, OPEN):
        body, content_type = await scrapes.answer(accept)
        assert body == accept.encode()
        assert content_type.startswith(accept.partition(";")[0])
