"""``misfire topics grow``: adds partitions to the topics of an installation and moves states along.

Growing adds the partitions first and moves the states second. A state that moves is written to its
new partition; once the broker has acknowledged it, the old partition gets a tombstone. An
interrupted run leaves the same state in both partitions, and the next run continues from there. No
worker can start in between: a worker exits when it finds a state in the wrong partition.
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
from streams.kafka.topic_ids import Identities, is_stale, look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES, TOPICS
from streams.operations.rekey import Move, States

__all__ = ["Survey", "check_ready", "grow", "survey"]

#: The topics to grow. Intents come last: while they lag behind, the first step is not finished.
_GROWING = [
    *(
        topic.name
        for topic in TOPICS
        if topic.partitions is None and topic.name not in {INTENTS, OUTCOMES}
    ),
    OUTCOMES,
    INTENTS,
]
#: Longer than a leader election takes.
_VISIBLE_SECONDS = 15.0
#: How many states are sent before waiting for the broker's acknowledgements.
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Survey:
    """What growing would do, and what prevents it.

    Attributes:
        partitions: partitions that each topic is to have.
        topics: the topics to grow, with their present number of partitions.
        states: how many households have a state.
        moves: the states to move.
        workers: members of the workers' consumer group.
        waiting: records that no worker has processed yet.
    """

    partitions: int
    topics: Mapping[str, int]
    states: int
    moves: Sequence[Move]
    workers: int
    waiting: int

    @property
    def begun(self) -> bool:
        """Whether an earlier run or another tool has added the intents' partitions already."""
        return INTENTS not in self.topics


def survey(brokers: Brokers, client: KafkaAdminClient, group: str, partitions: int) -> Survey:
    """Inspect topics, workers and states without changing anything.

    Raises:
        UsageError: a topic already has more partitions.
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
            f"topics have more than {partitions} partitions: {', '.join(larger)}; "
            "Kafka cannot remove partitions"
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
    """Refuse to grow while workers run or records wait in the old partitions.

    Raises:
        UsageError: names the obstacle.
    """
    if found.workers:
        raise UsageError(
            f"{found.workers} workers are members of the group {group}; stop them all (a killed "
            "member remains until its session times out), then run this again"
        )
    if found.waiting and not found.begun:
        raise UsageError(
            f"{found.waiting} records are not processed yet; stop the producers (gateways, "
            "runtimes), let the workers catch up, stop the workers, then run this again"
        )


def grow(
    brokers: Brokers, client: KafkaAdminClient, group: str, found: Survey, report: Progress = silent
) -> Survey:
    """Add the partitions, move the states, and return what was done.

    Raises:
        UsageError: a worker has started in the meantime.
        DependencyUnavailable: the broker cannot add partitions, or does not answer.
    """
    for done, name in enumerate(found.topics):
        report("topics", done, len(found.topics))
        _add_partitions(client, name, found.partitions)
    report("topics", len(found.topics), len(found.topics))
    # Survey again: a worker may have written states since the first survey.
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
            f"not all states could be moved ({type(error).__name__}); "
            "run this again, and it continues where it stopped"
        ) from error
    finally:
        producer.close()


def _send(producer: KafkaProducer, records: Sequence[tuple[bytes, bytes | None, int]]) -> None:
    """Write records and wait for the broker's acknowledgements."""
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
            "this broker cannot add partitions (the embedded one cannot); "
            "start a new broker with that many"
        ) from None
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the partitions of topic {name} could not be added ({type(error).__name__}: {error})"
        ) from error
    give_up = time.monotonic() + _VISIBLE_SECONDS
    while not _visible(client, name, partitions):
        if time.monotonic() > give_up:
            raise DependencyUnavailable(
                f"the new partitions of {name} do not appear; check the broker's log"
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
            f"the topics could not be read ({type(error).__name__})"
        ) from error


def _workers(client: KafkaAdminClient, group: str) -> int:
    try:
        described: dict[str, Any] = client.describe_groups([group])
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the group {group} could not be read ({type(error).__name__})"
        ) from error
    return len(described.get(group, {}).get("members", ()))


def _waiting(brokers: Brokers, client: KafkaAdminClient, group: str, topics: Identities) -> int:
    """Count the intents and outcomes beyond the group's committed offsets in these topics."""
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
            f"the group's offsets could not be read ({type(error).__name__})"
        ) from error
    offset = partial(_committed_offset, committed, topics)
    return sum(max(ends[each] - max(begins[each], offset(each)), 0) for each in partitions)


def _committed_offset(committed: Mapping[Any, Any], topics: Identities, partition: Any) -> int:
    """Return the committed offset; 0 if it belongs to an earlier topic of the same name."""
    found = committed.get(partition)
    if found is None or is_stale(found.metadata, topics.of(partition.topic)):
        return 0
    return int(found.offset)
