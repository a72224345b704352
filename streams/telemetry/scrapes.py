"""Answering ``/metrics`` when many ask: one answer is made at a time, and those who ask meanwhile share it.

Making one takes milliseconds of the only processor that Python uses; without a bound, everybody who asks takes them from the decisions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client.exposition import choose_encoder

from streams.telemetry.exposition import exposition

__all__ = ["Scrapes"]

#: An answer is shared for so many times as long as it took to make: making them takes a fifth of a processor at most.
_SHARED = 4.0


class Scrapes:
    """The answers of one server.

    Args:
        make: makes the body and the content type for an ``Accept`` header.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        make: Callable[[str | None], tuple[bytes, str]] = exposition,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._clock = make, clock
        self._making = asyncio.Lock()
        #: By content type, of which there are few: the answer, and until when it is shared.
        self._kept: dict[str, tuple[bytes, float]] = {}

    async def answer(self, accept: str | None) -> tuple[bytes, str]:
        """Return the body and the content type."""
        _, content_type = choose_encoder(accept or "")
        async with self._making:
            began = self._clock()
            body, until = self._kept.get(content_type, (b"", began))
            if began < until:
                return body, content_type
            body, _ = await asyncio.to_thread(self._make, accept)
            ended = self._clock()
            self._kept[content_type] = body, ended + _SHARED * (ended - began)
            return body, content_type
