"""A cache for ``/metrics``: one response is built at a time and shared by concurrent requests.

Building one takes milliseconds of the only processor that Python uses. Without a bound, scrapes
would take that time from decisions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from prometheus_client.exposition import choose_encoder

from streams.telemetry.exposition import exposition

__all__ = ["ScrapeCache"]

#: A response is shared for this multiple of the time it took to build, so building responses
#: takes at most a fifth of a processor.
_SHARED = 4.0


class ScrapeCache:
    """The cached responses of one server.

    Args:
        make: builds the body and the content type for an ``Accept`` header.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        make: Callable[[str | None], tuple[bytes, str]] = exposition,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._clock = make, clock
        self._making = asyncio.Lock()
        #: By content type, of which there are few: the body, and until when it is shared.
        self._kept: dict[str, tuple[bytes, float]] = {}

    async def answer(self, accept: str | None) -> tuple[bytes, str]:
        """Return the body and the content type for an ``Accept`` header."""
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
