"""Announces a bundle on a channel.

For the active channel, in this order: the announcement; a mark in each partition of
``assistant.intents``; the announcement again, with the offsets of the marks. Workers take the
bundle at the marks. If this process ends in between, they hold back the commit of the marks, and
the next announcement finishes or withdraws this one first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable, TopicMissing
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topic_ids import look_up
from streams.kafka.topics import BUNDLES, INTENTS, admin
from streams.lifecycle.feed import read_channels
from streams.lifecycle.in_use import partitions_of
from streams.lifecycle.schedule import is_mark_of
from streams.wire.announcements import (
    ACTIVE,
    ANNOUNCEMENT,
    BUNDLE_CHANNEL,
    MAX_ANNOUNCEMENTS,
    Announcement,
    Channel,
)
from streams.wire.records import PROBE, header

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NotReady", "announce", "withdraw_channel"]

#: Seconds for the broker to acknowledge a record.
_ACKNOWLEDGED = 30.0
#: Seconds without a record after which a partition counts as read to its end.
_SILENCE = 2.0


class NotReady(Exception):
    """Workers cannot take the bundle; the announcement was withdrawn. Has a sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def announce(
    brokers: Brokers,
    channel: str,
    draft: Callable[[Channel], Announcement],
    *,
    unready: Callable[[Announcement], Sequence[str]] = lambda _: (),
) -> Announcement:
    """Announce a bundle, and return the announcement as it holds.

    Args:
        brokers: the brokers.
        channel: the channel.
        draft: returns the announcement, from the channel before it.
        unready: called when workers can know the announcement, before any takes it; returns a
            sentence for each reason why they should not.

    Raises:
        NotReady: ``unready`` returned a reason. No worker has taken the bundle.
        DependencyUnavailable: a topic is missing, or the broker does not answer or refuses.
    """
    with _connected(brokers) as (consumer, producer):
        before = _finished(brokers, consumer, producer, channel)
        drafted = replace(draft(before), number=before.numbered + 1)
        if channel != ACTIVE:
            done = replace(drafted, since=())
            _write(producer, _with(before, done))
            return done
        drafted = replace(
            drafted, topic_id=_topic_id(brokers), floor=tuple(_ends(consumer).values())
        )
        after = _with(before, drafted)
        _write(producer, after)
        if problems := unready(drafted):
            _write(producer, replace(before, numbered=after.numbered))
            raise NotReady(problems)
        if read_channels(brokers).get(channel) != after:
            raise DependencyUnavailable(
                f"another announcement on {channel} was made at the same time; look at "
                "'misfire bundle channels' and try again"
            )
        return _mark_and_finish(producer, after, {})


def withdraw_channel(brokers: Brokers, channel: str) -> None:
    """Remove a shadow channel."""
    with _connected(brokers) as (_, producer):
        _sent(producer, BUNDLES, key=channel.encode(), value=None)


def _finished(brokers: Brokers, consumer: Any, producer: Any, name: str) -> Channel:
    """Return a channel, after finishing or withdrawing an announcement that was interrupted."""
    found = read_channels(brokers).get(name) or Channel(channel=name, announcements=())
    latest = found.latest
    if latest is None or latest.since is not None:
        return found
    marks = _marks(consumer, latest)
    if not marks:
        withdrawn = replace(found, announcements=found.announcements[:-1])
        _write(producer, withdrawn)
        return withdrawn
    return replace(
        found,
        announcements=(*found.announcements[:-1], _mark_and_finish(producer, found, marks)),
    )


def _mark_and_finish(producer: Any, found: Channel, marks: dict[int, int]) -> Announcement:
    """Write the missing marks of the last announcement, then the announcement with all of them."""
    *others, latest = found.announcements
    headers = [("ce_type", PROBE.encode()), (ANNOUNCEMENT, str(latest.number).encode())]
    for partition in range(len(latest.floor)):
        if partition not in marks:
            marks[partition] = _sent(
                producer, INTENTS, value=b"{}", partition=partition, headers=headers
            )
    done = replace(latest, since=tuple(marks[each] for each in range(len(latest.floor))))
    _write(producer, replace(found, announcements=(*others, done)))
    return done


def _with(before: Channel, added: Announcement) -> Channel:
    kept = (*before.announcements, added)[-MAX_ANNOUNCEMENTS:]
    return replace(before, announcements=kept, numbered=added.number)


def _write(producer: Any, channel: Channel) -> None:
    _sent(
        producer,
        BUNDLES,
        key=channel.channel.encode(),
        value=BUNDLE_CHANNEL.encode(channel),
        headers=[("ce_type", BUNDLE_CHANNEL.type.encode())],
    )


def _sent(producer: Any, topic: str, **record: Any) -> int:
    """Send a record, wait for its acknowledgement, and return its offset."""
    offset: int = producer.send(topic, **record).get(timeout=_ACKNOWLEDGED).offset
    return offset


def _topic_id(brokers: Brokers) -> str:
    client = admin(brokers)
    try:
        return look_up(client, [INTENTS]).of(INTENTS)
    finally:
        client.close()


def _ends(consumer: Any) -> dict[int, int]:
    partitions = [TopicPartition(INTENTS, each) for each in partitions_of(consumer, INTENTS)]
    if not partitions:
        raise TopicMissing(INTENTS)
    ends = consumer.end_offsets(partitions)
    return {each.partition: ends[each] for each in partitions}


def _marks(consumer: Any, each: Announcement) -> dict[int, int]:
    """Return the offset of the first mark of an announcement in each partition that has one."""
    places = [TopicPartition(INTENTS, number) for number in range(len(each.floor))]
    consumer.assign(places)
    for place in places:
        consumer.seek(place, each.floor[place.partition])
    wanted, found = str(each.number).encode(), dict[int, int]()
    heard = time.monotonic()
    while time.monotonic() - heard < _SILENCE:
        for place, records in poll(consumer, timeout_ms=200).items():
            heard = time.monotonic()
            for record in records:
                if header(record.headers, ANNOUNCEMENT) == wanted and is_mark_of(
                    each, place.partition, record.offset
                ):
                    found.setdefault(place.partition, record.offset)
        if len(found) == len(places):
            break
    return found


@contextmanager
def _connected(brokers: Brokers) -> Iterator[tuple[Any, Any]]:
    admin(brokers).close()  # explains why no broker answers
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    producer = KafkaProducer(**brokers.options, max_request_size=1_000_000)
    try:
        yield consumer, producer
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the announcement could not be written ({type(error).__name__}); check the broker's"
            " log, and the rights of this client ('misfire topics acl --part promoter')"
        ) from error
    finally:
        producer.close()
        consumer.close()
