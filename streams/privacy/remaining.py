"""Finds what is left of a household after its erasure, and when retention deletes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from detector.household.state import HouseholdState
from streams.kafka.reading import Place
from streams.kafka.topics import HOUSEHOLDS, TOPICS
from streams.privacy.holdings import Holding
from streams.wire.records import COMMAND
from streams.wire.state.packing import Stored

__all__ = ["Remains", "remains"]

_STORED = TypeAdapter(Stored)


@dataclass(frozen=True, slots=True)
class Remains:
    """What one topic still contains about an erased household.

    ``until`` is when retention has deleted the last of it, in seconds since the epoch.
    """

    source: str
    records: int
    until: float
    places: tuple[Place, ...]


def remains(holdings: Sequence[Holding]) -> tuple[bool, list[Remains]]:
    """Return whether the state is erased, and what the topics still contain besides the mark."""
    kept = {topic.name: topic.kept for topic in TOPICS}
    left, marked = [], False
    for holding in holdings:
        count = sum(not _is_command(line) for line in holding.lines)
        count += holding.superseded + sum(
            map(len, (holding.unchecked, holding.disputed, holding.foreign))
        )
        if holding.source == HOUSEHOLDS and _only_the_mark(holding):
            marked, count = True, count - 1
        if count and holding.last is not None:
            until = holding.last + kept[holding.source] / 1000
            places = (*holding.unchecked, *holding.disputed, *holding.foreign)
            left.append(Remains(holding.source, count, until, places))
    return marked, left


def _is_command(line: bytes) -> bool:
    """Return whether a line is a command. The fact of an erasure may be kept."""
    return bool(json.loads(line)["type"] == COMMAND.type)


def _only_the_mark(holding: Holding) -> bool:
    """Return whether the last state is exactly what ``erased`` leaves."""
    if not holding.lines:
        return False
    stored = _STORED.validate_python(json.loads(holding.lines[-1])["record"])
    bare = Stored(state=HouseholdState.new(stored.state.household_id))
    return (
        stored.erased is not None and replace(stored, intents=(), outcomes=(), erased=None) == bare
    )
