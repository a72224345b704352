"""Follows a topic with one partition in the background, as long as the process runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka.connection import Brokers
from streams.kafka.fetching import PatientConsumer

__all__ = ["follow_topic"]

logger = logging.getLogger(__name__)

#: Seconds between two attempts to connect, and between two looks for a topic that is missing.
_PAUSE = 1.0
#: Seconds between two looks at the topic's end, and between two looks whether it is reached.
_LOOK, _MOMENT = 0.25, 0.01


async def follow_topic(
    brokers: Brokers,
    topic: str,
    received: Callable[[Any], None],
    *,
    fetch_max_wait: float,
    read_until: Callable[[float], None] | None = None,
) -> None:
    """Read a topic from its beginning until the task is cancelled; connect again after a failure.

    Each connection reads the topic from its beginning. A missing topic is awaited.

    Args:
        brokers: the brokers to read from.
        topic: the topic; its only partition is read.
        received: called with each message, in order.
        fetch_max_wait: seconds for which a fetch waits for data.
        read_until: called several times a second with a time of the monotonic clock, in
            seconds; all messages that were in the topic then have been received.
    """
    while True:
        try:
            await _follow(brokers, topic, received, fetch_max_wait, read_until)
        except (KafkaError, OSError) as error:
            logger.warning("topic %s: %s; trying again", topic, type(error).__name__)
        except Exception:
            logger.exception("topic %s could not be read; trying again", topic)
        await asyncio.sleep(_PAUSE)


async def _follow(
    brokers: Brokers,
    topic: str,
    received: Callable[[Any], None],
    fetch_max_wait: float,
    read_until: Callable[[float], None] | None,
) -> None:
    looking: asyncio.Task[None] | None = None
    consumer = PatientConsumer(
        **brokers.options,
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=max(1, int(fetch_max_wait * 1000)),
    )
    try:
        await consumer.start()
        # A request for one missing topic may create it; the list of all topics does not.
        while topic not in await consumer.topics():  # noqa: ASYNC110 - the broker sends no event
            await asyncio.sleep(_PAUSE)
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        if read_until is not None:
            looking = asyncio.create_task(_look(brokers, consumer, partition, read_until))
        async for message in consumer:
            received(message)
    finally:
        if looking is not None:
            looking.cancel()
        await consumer.stop()


async def _look(
    brokers: Brokers,
    consumer: AIOKafkaConsumer,
    partition: TopicPartition,
    read_until: Callable[[float], None],
) -> None:
    """Report up to when the partition has been read.

    A fetch that returned nothing does not show it: the process may have been paused since. The end
    is asked for on a connection of its own, because a broker answers the requests of a connection
    in order, and a fetch waits for data.
    """
    while True:
        asking = AIOKafkaConsumer(**brokers.options, group_id=None, enable_auto_commit=False)
        try:
            await asking.start()
            while True:
                asked = time.monotonic()
                end = (await asking.end_offsets([partition]))[partition]
                while await consumer.position(partition) < end:  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(_MOMENT)
                read_until(asked)
                await asyncio.sleep(_LOOK)
        except (KafkaError, OSError) as error:
            logger.warning(
                "the end of topic %s is unknown (%s)", partition.topic, type(error).__name__
            )
        finally:
            await asking.stop()
        await asyncio.sleep(_LOOK)
