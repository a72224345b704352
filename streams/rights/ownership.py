"""Whose a record is: asked of its key and, apart from that, of its content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from streams import records
from streams.cloudevents import is_structured, type_inside, unwrapped
from streams.errors import BadRecord
from streams.hook.late import LATE
from streams.packing import Stored, unpack
from streams.records import Kind, header
from streams.rights.log import Held
from streams.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INCIDENTS, INTENTS, OUTCOMES, REPLIES

__all__ = ["Judged", "Whose", "households_in", "judge"]

#: Every kind of record, by its CloudEvents type; and what a topic's records are that say no type.
_KINDS: dict[str, Kind[Any]] = {
    kind.type: kind for kind in (*vars(records).values(), LATE) if isinstance(kind, Kind)
}
_UNNAMED: dict[str, Kind[Any]] = {
    INTENTS: records.INTENT,
    OUTCOMES: records.OUTCOME,
    DECISIONS: records.DECISION,
    REPLIES: records.DECISION,
    INCIDENTS: LATE,
}


@dataclass(frozen=True, slots=True)
class _State(Kind[Stored]):
    """A household's state: a value of the table, which is not written as other records are."""

    def decode(self, data: bytes | None) -> Stored:
        """Read a value of the table."""
        return unpack(data or b"")


_STATE = _State("misfire.household-state.v1", TypeAdapter(Stored))


class Whose(StrEnum):
    """What key and content of a record say about one household."""

    #: Neither names it.
    OTHERS = "others"
    #: Both name it and nobody else; of a record without a key by contract, the content does.
    OURS = "ours"
    #: It is named, and so is another household.
    FOREIGN = "foreign"
    #: It is named, and the other sign is missing: no key, or content that cannot be read.
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Judged:
    """Whose a record is, its CloudEvents type, and its content as JSON: what our own reading of it holds, and no byte besides."""

    whose: Whose
    type: str = ""
    content: bytes = b""


def judge(held: Held, household_id: str) -> Judged:
    """Say whose a record is, seen from one household."""
    try:
        named = _named(held)
    except (ValueError, RecursionError):
        mentioned = held.key == household_id.encode() or f'"{household_id}"'.encode() in (held.value or b"")
        return Judged(Whose.UNCHECKED if mentioned else Whose.OTHERS)
    everybody = named if held.key is None else named | {held.key.decode("utf-8", "replace")}
    if household_id not in everybody:
        return Judged(Whose.OTHERS)
    if everybody != {household_id}:
        return Judged(Whose.FOREIGN)
    kind = _kind(held)
    if kind is None or household_id not in named or (held.key is None and held.place.topic != REPLIES):
        return Judged(Whose.UNCHECKED)
    try:
        inside = unwrapped(held.value or b"", kind) if _structured(held) else held.value
        return Judged(Whose.OURS, kind.type, kind.encode(kind.decode(inside)))
    except BadRecord:
        return Judged(Whose.UNCHECKED)


def households_in(data: bytes) -> set[str]:
    """Return every household that JSON names, at any depth; of a name that comes twice in an object, both values count.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested deeper than any record.
    """
    return set(_households(json.loads(data, object_pairs_hook=tuple)))


def _named(held: Held) -> set[str]:
    """Return which households a record's content names, wherever it does.

    Raises:
        ValueError, RecursionError: it cannot be read.
    """
    if held.value is None:
        raise ValueError("a tombstone has no content")
    state = held.place.topic == HOUSEHOLDS
    return households_in(_STATE.encode(unpack(held.value)) if state else held.value)


def _structured(held: Held) -> bool:
    return is_structured((header(held.headers, "content-type") or b"").decode("latin-1"))


def _kind(held: Held) -> Kind[Any] | None:
    topic = held.place.topic
    if topic == HOUSEHOLDS:
        return _STATE
    if topic == DEAD_LETTERS:
        topic = (header(held.headers, "misfire_topic") or b"").decode("ascii", "replace")
    named = type_inside(held.value or b"") if _structured(held) else header(held.headers, "ce_type")
    return _UNNAMED.get(topic) if named is None else _KINDS.get(named.decode("ascii", "replace"))


def _households(value: Any, name: str = "") -> Iterator[str]:
    """Every household_id in parsed JSON: objects are tuples of pairs, lists are lists."""
    if name == "household_id":
        yield value if isinstance(value, str) else "something that is no id"
    if isinstance(value, tuple):
        for inner, entry in value:
            yield from _households(entry, inner)
    elif isinstance(value, list):
        for entry in value:
            yield from _households(entry)
