"""Whether a broker answers. Neither Faust's nor aiokafka's clients tell that theirs is gone: they try again, and seem to wait."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["broker_answers"]

#: A broker that takes longer for its metadata decides nothing in time either.
_ANSWER_SECONDS = 5.0


async def broker_answers(client: Any) -> bool:
    """Ask for the metadata again.

    Args:
        client: aiokafka's, ``AIOKafkaProducer.client``.
    """
    try:
        return bool(await asyncio.wait_for(client.force_metadata_update(), _ANSWER_SECONDS))
    except TimeoutError:
        return False
