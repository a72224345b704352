"""What a household file contains about one household: the same records that the topics would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from streams.embedded.opened import opened
from streams.errors import UsageError
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS, LABELS, OUTCOMES, RULES
from streams.privacy.holdings import Holding, collect
from streams.wire.records import ANSWER, DECISION, INTENT, LABEL, OUTCOME, RULE
from streams.wire.state.packing import pack

__all__ = ["TOPIC_OF", "collected_in_file", "erase_in_file", "the_household"]

#: The topic that a kept record would be in, by its type.
TOPIC_OF = {
    INTENT.type: INTENTS,
    DECISION.type: DECISIONS,
    OUTCOME.type: OUTCOMES,
    ANSWER.type: OUTCOMES,
    LABEL.type: LABELS,
}


def the_household(path: Path) -> str:
    """Return the only household of a file.

    Raises:
        DependencyUnavailable: the file cannot be used.
        UsageError: the same, or the file has no household or several.
    """
    with opened(path) as transaction:
        found = transaction.households()
    if len(found) != 1:
        names = f": {', '.join(found[:10])}" if found else ""
        raise UsageError(f"{path} has {len(found)} households{names}; name one")
    return found[0]


def collected_in_file(path: Path, household_id: str) -> list[Holding]:
    """Return what a file contains about a household, by the topic that it would be in.

    Raises:
        DependencyUnavailable: the file cannot be used.
    """
    key, records = household_id.encode(), dict[str, list[TopicRecord]]()
    with opened(path) as transaction:
        for kept in transaction.records(household_id):
            topic = TOPIC_OF[kept.type]
            headers = [("ce_type", kept.type.encode())]
            place = Place(topic, 0, kept.number)
            held = TopicRecord(place, kept.at, key, kept.value, headers)
            records.setdefault(topic, []).append(held)
        for number, rule in enumerate(transaction.rules().rules.values()):
            if rule.household_id == household_id:
                name, at = rule.rule_id.encode(), rule.created.timestamp()
                held = TopicRecord(Place(RULES, 0, number), at, name, RULE.encode(rule))
                records.setdefault(RULES, []).append(held)
        if household_id in transaction.households():
            last = max((each.timestamp for held in records.values() for each in held), default=0.0)
            state = pack(transaction.stored(household_id))
            records[HOUSEHOLDS] = [TopicRecord(Place(HOUSEHOLDS, 0, 0), last, key, state)]

    def read(topic: str) -> Iterable[TopicRecord]:
        return records.get(topic, ())

    return collect(household_id, read)


def erase_in_file(path: Path, household_id: str) -> int:
    """Delete a household from a file, and overwrite what it contained; return its records' number.

    Raises:
        DependencyUnavailable: the file cannot be used.
    """
    with opened(path, shrink=True) as transaction:
        return transaction.erase(household_id)
