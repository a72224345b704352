"""Checks that each household's state is in its own partition and belongs to the present topics."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES
from streams.operations.findings import Finding
from streams.operations.rekey import States
from streams.wire.state.marks import UNKNOWN, Marks, partition_of
from streams.wire.state.packing import unpack

__all__ = ["MAX_READ", "check_states", "judge_states"]

#: How many states are unpacked: a sufficient sample, which takes a tenth of a second.
MAX_READ = 2_000


def check_states(brokers: Brokers, topics: Identities) -> Finding:
    """Check the changelog.

    Args:
        brokers: the brokers.
        topics: the topics as they are now, including the changelog.

    Raises:
        DependencyUnavailable: the changelog cannot be read.
    """
    latest = States().take(read_topic(brokers, HOUSEHOLDS)).latest
    return judge_states({key: places for key, places in latest.items() if places}, topics)


def judge_states(latest: Mapping[bytes, Mapping[int, bytes]], topics: Identities) -> Finding:
    """Judge the latest states, given by household and partition."""
    partitions = topics.partitions[HOUSEHOLDS]
    strays = sum(set(places) != {partition_of(key, partitions)} for key, places in latest.items())
    if strays:
        text = (
            f"{strays} households in {HOUSEHOLDS} are in the wrong partition; stop all workers "
            f"and run 'misfire topics grow --partitions {partitions}'"
        )
        return Finding("states", False, text)
    found = list(
        islice((value for places in latest.values() for value in places.values()), MAX_READ)
    )
    try:
        states = [unpack(value) for value in found]
    except ValueError as error:
        return Finding("states", False, f"{error}; check which programs write to {HOUSEHOLDS}")
    recreated = [
        name
        for name, marks in (
            (INTENTS, [stored.intents for stored in states]),
            (OUTCOMES, [stored.outcomes for stored in states]),
        )
        if _is_recreated(marks, topics.of(name))
    ]
    if recreated:
        text = (
            f"{' and '.join(recreated)} was deleted and created again, and no household has a "
            "record in the new topic yet; unread records of the old one are lost, new records are "
            "processed (see MisfireTopicCreatedAgain in the runbook)"
        )
        return Finding("states", False, text)
    return Finding("states", True, f"{len(latest)} households, each in its own partition")


def _is_recreated(marks: list[Marks], topic_id: str) -> bool:
    """Whether every position that households remember belongs to an earlier topic of that name."""
    known = {each[-1].topic_id for each in marks if each} - {UNKNOWN}
    return bool(known) and topic_id not in known | {UNKNOWN}
