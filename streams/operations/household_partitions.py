"""Where households stand: each in its own partition of the changelog, and in the topics that there are."""

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

__all__ = ["MOST_READ", "standing"]

#: Households whose states are unpacked: enough to see what is the case for all of them, in a tenth of a second.
MOST_READ = 2_000


def standing(brokers: Brokers, topics: Identities) -> Finding:
    """Look through the changelog.

    Args:
        brokers: where it is.
        topics: as the broker has them now; the changelog among them.

    Raises:
        DependencyUnavailable: the changelog cannot be read.
    """
    latest = States().take(read_topic(brokers, HOUSEHOLDS)).latest
    return judge_standing({key: places for key, places in latest.items() if places}, topics)


def judge_standing(latest: Mapping[bytes, Mapping[int, bytes]], topics: Identities) -> Finding:
    """Judge the latest states, by household and partition."""
    partitions = topics.partitions[HOUSEHOLDS]
    strays = sum(set(places) != {partition_of(key, partitions)} for key, places in latest.items())
    if strays:
        text = (
            f"{strays} households in {HOUSEHOLDS} stand in a partition that is not theirs; stop all workers and run "
            f"'misfire topics grow --partitions {partitions}'"
        )
        return Finding("states", False, text)
    found = list(
        islice((value for places in latest.values() for value in places.values()), MOST_READ)
    )
    try:
        states = [unpack(value) for value in found]
    except ValueError as error:
        return Finding("states", False, f"{error}; look at who writes to {HOUSEHOLDS}")
    earlier = [
        name
        for name, marks in (
            (INTENTS, [stored.intents for stored in states]),
            (OUTCOMES, [stored.outcomes for stored in states]),
        )
        if _of_earlier(marks, topics.of(name))
    ]
    if earlier:
        text = (
            f"no household was heard of in {' and '.join(earlier)} as it is now: it was deleted and created again; what waited in "
            "it is lost, what comes is decided (see MisfireTopicCreatedAgain in the runbook)"
        )
        return Finding("states", False, text)
    return Finding("states", True, f"{len(latest)} households, each where it belongs")


def _of_earlier(marks: list[Marks], topic_id: str) -> bool:
    """Whether all that households remember of a topic is about an earlier one."""
    known = {each[-1].topic_id for each in marks if each} - {UNKNOWN}
    return bool(known) and topic_id not in known | {UNKNOWN}
