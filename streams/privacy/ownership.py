"""Determines the household that owns a record, from its key and, independently, its content.

In the content, only the declared fields ``household_id`` of its kind count. If a slot of that name
counted, any producer could claim a record for another household and block that household's export.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any

from streams.errors import RecordError
from streams.kafka.reading import TopicRecord
from streams.kafka.topics import (
    DEAD_LETTERS,
    DECISIONS,
    HOUSEHOLDS,
    INCIDENTS,
    INTENTS,
    LABELS,
    OUTCOMES,
    REPLIES,
    RULES,
    SHADOWS,
)
from streams.wire import records
from streams.wire.cloudevents import is_structured_record, type_inside, unwrapped
from streams.wire.late_answer import LATE
from streams.wire.records import Kind, header
from streams.wire.shadow_verdict import SHADOW_VERDICT
from streams.wire.state.packing import Stored, unpack

__all__ = ["Judged", "Whose", "judge", "owners_in", "owners_of"]

#: Kinds of records by their CloudEvents type, and the kind of a topic's records without a type.
_KINDS: dict[str, Kind[Any]] = {
    kind.type: kind
    for kind in (*vars(records).values(), LATE, SHADOW_VERDICT)
    if isinstance(kind, Kind)
}
_UNNAMED: dict[str, Kind[Any]] = {
    INTENTS: records.INTENT,
    OUTCOMES: records.OUTCOME,
    DECISIONS: records.DECISION,
    REPLIES: records.DECISION,
    INCIDENTS: LATE,
    LABELS: records.LABEL,
    SHADOWS: SHADOW_VERDICT,
}


#: A value of the changelog: packed there, and JSON in an archive.
_STATE = Kind("misfire.household-state.v1", Stored)
#: Kinds in an archive. In Kafka, a state is recognised by its topic only: by its type, any producer
#: could send the data of two households as one state.
_ARCHIVED = _KINDS | {_STATE.type: _STATE}


class Whose(StrEnum):
    """How the key and the content of a record relate to one household."""

    #: Neither names it as the owner.
    OTHERS = "others"
    #: Both name it and no other; the content alone, if the topic has no keys by contract.
    OURS = "ours"
    #: Both name it, and the content also names another. Only misfire itself can have written that.
    FOREIGN = "foreign"
    #: Key and content name different households, one of them this one. Belongs to neither.
    DISPUTED = "disputed"
    #: One names it and the other is missing: no key, or unreadable content.
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Judged:
    """A record's owner, its CloudEvents type, and its decoded content as JSON."""

    whose: Whose
    type: str = ""
    content: bytes = b""


def judge(held: TopicRecord, household_id: str) -> Judged:
    """Return how a record relates to one household."""
    of_topic = _judge_rule if held.place.topic == RULES else _judge_keyed
    return of_topic(held, household_id)


def _judge_keyed(held: TopicRecord, household_id: str) -> Judged:
    keyed = held.key == household_id.encode()
    kind = _kind(held)
    value = None if kind is None else _decoded(held, kind)
    if kind is None or value is None:
        return Judged(Whose.UNCHECKED if keyed else Whose.OTHERS)
    owners = owners_of(value)
    if not keyed and household_id not in owners:
        return Judged(Whose.OTHERS)
    if held.key is None and held.place.topic != REPLIES:
        return Judged(Whose.UNCHECKED)
    if household_id not in owners or not (keyed or held.key is None):
        return Judged(Whose.DISPUTED)
    if owners != {household_id}:
        return Judged(Whose.FOREIGN)
    return Judged(Whose.OURS, kind.type, kind.encode(value))


def _judge_rule(held: TopicRecord, household_id: str) -> Judged:
    """Return how a rule relates to one household. Its key is its id, so only its content counts."""
    value = _decoded(held, records.RULE)
    if value is None or value.household_id != household_id:
        return Judged(Whose.OTHERS)
    return Judged(Whose.OURS, records.RULE.type, records.RULE.encode(value))


def owners_of(value: Any) -> set[str]:
    """Return the households in the declared fields ``household_id`` of a value and its parts.

    Keys of a mapping are chosen by the sender and do not count.
    """
    return set(_owners(value))


def owners_in(line: bytes) -> set[str]:
    """Return the owners of a record from its line in an archive.

    Raises:
        ValueError: the line is not a record of its declared type.
    """
    try:
        said = json.loads(line)
        kind, record = _ARCHIVED[said["type"]], json.dumps(said["record"]).encode()
        value = kind.adapter.validate_json(record, strict=True)
    except (LookupError, TypeError, RecursionError) as error:
        raise ValueError("the line is not a record of an archive") from error
    return owners_of(value)


def _decoded(held: TopicRecord, kind: Kind[Any]) -> Any:
    """Return a record's decoded value; ``None`` if it cannot be decoded."""
    try:
        if kind is _STATE:
            return unpack(held.value or b"")
        return kind.decode(
            unwrapped(held.value or b"", kind) if is_structured_record(held.headers) else held.value
        )
    except (RecordError, ValueError, RecursionError):
        return None


def _owners(value: Any) -> Iterator[str]:
    if is_dataclass(value):
        for each in fields(value):
            found = getattr(value, each.name)
            if each.name == "household_id":
                yield found
            else:
                yield from _owners(found)
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _owners(entry)


def _kind(held: TopicRecord) -> Kind[Any] | None:
    topic = held.place.topic
    if topic == HOUSEHOLDS:
        return _STATE
    if topic == DEAD_LETTERS:
        topic = (header(held.headers, "misfire_topic") or b"").decode("ascii", "replace")
    named = (
        type_inside(held.value or b"")
        if is_structured_record(held.headers)
        else header(held.headers, "ce_type")
    )
    return _UNNAMED.get(topic) if named is None else _KINDS.get(named.decode("ascii", "replace"))
