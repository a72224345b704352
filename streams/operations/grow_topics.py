"""More partitions for a running installation's topics: nothing lost, nothing doubled, and no household forgotten.

First the partitions, then the states: each household that moves is written to its new partition, and when the broker has it the old one
gets a tombstone. A run that ended on the way leaves a household in both, with the same state; the next run goes on from there. No
worker starts to work in between: it finds states that are not where they belong, and ends.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import IncompatibleBrokerVersion, KafkaError

from detector.progress import Progress, silent
from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topic_ids import Identities, look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES, TOPICS
from streams.operations.rekey import Move, States
from streams.worker.faust_transport import is_stale

__all__ = ["Survey", "check_ready", "grow", "survey"]

#: Their order: while the intents have fewer than all others, a run has not come to the end of the first step.
_GROWING = [
    *(
        topic.name
        for topic in TOPICS
        if topic.partitions is None and topic.name not in {INTENTS, OUTCOMES}
    ),
    OUTCOMES,
    INTENTS,
]
#: Longer than an election of leaders takes.
_VISIBLE_SECONDS = 15.0
#: States between two waits for the broker.
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What growing would do: topics that get partitions (from how many), states that move (of how many), and what is in the way.

    ``workers`` counts the members of the workers' group; ``waiting`` the records that no worker has decided or applied yet.
    """

    partitions: int
    topics: Mapping[str, int]
    states: int
    moves: Sequence[Move]
    workers: int
    waiting: int

    @property
    def begun(self) -> bool:
        """Whether the intents have that many partitions already: somebody else made them, or an earlier run did."""
        return INTENTS not in self.topics


def survey(brokers: Brokers, client: KafkaAdminClient, group: str, partitions: int) -> Survey:
    """Look at the topics, the workers and the states, and change nothing.

    Raises:
        UsageError: a topic has more partitions than that.
        DependencyUnavailable: a topic is missing, or the broker does not answer.
    """
    found = _look(client)
    if missing := [name for name in _GROWING if name not in found.partitions]:
        raise DependencyUnavailable(
            f"the topics {', '.join(missing)} are missing; create them with 'misfire topics create'"
        )
    if larger := [
        f"{name} ({count})" for name, count in found.partitions.items() if count > partitions
    ]:
        raise UsageError(
            f"topics have more than {partitions} partitions: {', '.join(larger)}; Kafka takes none away"
        )
    states = States().take(read_topic(brokers, HOUSEHOLDS))
    try:
        moves = states.moves(partitions)
    except ValueError as error:
        raise DependencyUnavailable(f"a state in {HOUSEHOLDS} cannot be moved: {error}") from None
    return Survey(
        partitions,
        {name: found.partitions[name] for name in _GROWING if found.partitions[name] < partitions},
        sum(bool(places) for places in states.latest.values()),
        moves,
        _workers(client, group),
        _waiting(brokers, client, group, found),
    )


def check_ready(found: Survey, group: str) -> None:
    """Refuse to grow under running workers, or while records wait in the partitions that their households leave.

    Raises:
        UsageError: says what is in the way.
    """
    if found.workers:
        raise UsageError(
            f"{found.workers} workers are members of the group {group}; stop them all (a member that was killed is one until its "
            "session times out), then run this again"
        )
    if found.waiting and not found.begun:
        raise UsageError(
            f"{found.waiting} records wait to be decided or applied; stop what produces (gateways, runtimes), let the workers come "
            "to the end, stop them, then run this again"
        )


def grow(
    brokers: Brokers, client: KafkaAdminClient, group: str, found: Survey, report: Progress = silent
) -> Survey:
    """Do it, and return what was done. What is done already is left as it is.

    Raises:
        UsageError: a worker has begun meanwhile.
        DependencyUnavailable: the broker cannot do it, or does not answer.
    """
    for done, name in enumerate(found.topics):
        report("topics", done, len(found.topics))
        _add_partitions(client, name, found.partitions)
    report("topics", len(found.topics), len(found.topics))
    # What moves is looked at once more: a worker may have written between the survey and the new partitions.
    again = survey(brokers, client, group, found.partitions)
    check_ready(again, group)
    _move(brokers, again.moves, report)
    return again


def _move(brokers: Brokers, moves: Sequence[Move], report: Progress) -> None:
    producer = KafkaProducer(**brokers.options, acks="all")
    try:
        for begin in range(0, len(moves), _BATCH):
            report("households", begin, len(moves))
            batch = moves[begin : begin + _BATCH]
            _send(producer, [(move.key, move.value, move.home) for move in batch if not move.there])
            _send(producer, [(move.key, None, place) for move in batch for place in move.leaves])
        report("households", len(moves), len(moves))
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the states could not all be moved ({type(error).__name__}); run this again, it goes on where it was"
        ) from error
    finally:
        producer.close()


def _send(producer: KafkaProducer, records: Sequence[tuple[bytes, bytes | None, int]]) -> None:
    """Write records, and wait until the broker has them."""
    sent = [
        producer.send(HOUSEHOLDS, value, key=key, partition=place) for key, value, place in records
    ]
    for each in sent:
        each.get(timeout=30)


def _add_partitions(client: KafkaAdminClient, name: str, partitions: int) -> None:
    try:
        client.create_partitions({name: partitions})
    except IncompatibleBrokerVersion:
        raise DependencyUnavailable(
            "this broker adds no partitions (the embedded one does not); start a new one with that many"
        ) from None
    except KafkaError as error:
        raise DependencyUnavailable(
            f"topic {name} got no partitions ({type(error).__name__}: {error})"
        ) from error
    give_up = time.monotonic() + _VISIBLE_SECONDS
    while not _visible(client, name, partitions):
        if time.monotonic() > give_up:
            raise DependencyUnavailable(
                f"the new partitions of {name} cannot be seen; look at the broker's log"
            )
        time.sleep(0.05)


def _visible(client: KafkaAdminClient, name: str, partitions: int) -> bool:
    (entry,) = client.describe_topics([name])
    return len(entry["partitions"]) == partitions and all(
        part["leader_id"] >= 0 for part in entry["partitions"]
    )


def _look(client: KafkaAdminClient) -> Identities:
    try:
        return look_up(client, _GROWING)
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the topics could not be looked at ({type(error).__name__})"
        ) from error


def _workers(client: KafkaAdminClient, group: str) -> int:
    try:
        described: dict[str, Any] = client.describe_groups([group])
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the group {group} could not be looked at ({type(error).__name__})"
        ) from error
    return len(described.get(group, {}).get("members", ()))


def _waiting(brokers: Brokers, client: KafkaAdminClient, group: str, topics: Identities) -> int:
    """How many records of intents and outcomes stand behind what the group has committed of these very topics."""
    partitions = [
        TopicPartition(topic, number)
        for topic in (INTENTS, OUTCOMES)
        for number in range(topics.partitions[topic])
    ]
    try:
        committed = client.list_group_offsets({group: partitions}).get(group, {})
        consumer = KafkaConsumer(**brokers.options, group_id=None)
        try:
            begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        finally:
            consumer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"what waits could not be looked at ({type(error).__name__})"
        ) from error
    stands = partial(_stands, committed, topics)
    return sum(max(ends[each] - max(begins[each], stands(each)), 0) for each in partitions)


def _stands(committed: Mapping[Any, Any], topics: Identities, partition: Any) -> int:
    place = committed.get(partition)
    if place is None or is_stale(place.metadata, topics.of(partition.topic)):
        return 0
    return int(place.offset)
