"""A fake log of many households in memory, for the tests of export and erasure."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.household.state import HouseholdState
from detector.policy.fallback import fallback_decision
from streams.files.policy import read_policy
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, OUTCOMES, REPLIES
from streams.wire.records import DECISION, INTENT, OUTCOME, Kind
from streams.wire.state.marks import Mark
from streams.wire.state.packing import _FORM, LEVEL, Packer, Stored, _decompress, pack, unpack
from tests.detector.builders import START, event, outcome

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError
else:
    from backports.zstd import ZstdError

PARTITIONS = 4
_POLICY = read_policy()


def home(number: int) -> str:
    """Return a household's id, which is part of all its records' ids and no prefix of another's."""
    return f"h1_{number:05d}f"


@dataclass
class FakeLog:
    """Topics as lists of records; pass ``read`` to ``collect``."""

    records: list[TopicRecord] = field(default_factory=list)

    def read(self, topic: str) -> Iterator[TopicRecord]:
        return (held for held in self.records if held.place.topic == topic)

    def add(self, topic: str, key: str | None, value: bytes | None, **headers: bytes) -> int:
        """Append a record; return its number, for ``change``."""
        place = Place(topic, len(self.records) % PARTITIONS, len(self.records))
        seconds = START.timestamp() + len(self.records)
        self.records.append(
            TopicRecord(
                place, seconds, None if key is None else key.encode(), value, list(headers.items())
            )
        )
        return len(self.records) - 1

    def change(self, number: int, **fields: Any) -> None:
        """Corrupt a record."""
        self.records[number] = replace(self.records[number], **fields)

    def swap_partitions(self, one: int, other: int) -> None:
        """Swap the positions of two records."""
        first, second = self.records[one].place, self.records[other].place
        self.change(one, place=second)
        self.change(other, place=first)


def intent_of(number: int, turn: int) -> IntentEvent:
    """Return an event. Session and device ids are the same in all households, as in practice."""
    return event(
        event_id=f"{home(number)}-{turn}",
        household_id=home(number),
        session_id=f"s{turn // 2}",
        device_id=f"d{turn % 3}",
        time=START + timedelta(seconds=turn),
        slots={"contact": f"k1_{number:012x}"},
    )


def decision_of(intent: IntentEvent) -> Decision:
    """Return a decision on an event."""
    return fallback_decision(intent, _POLICY, code="no_bundle", text="A test decides.")


def state_of(number: int, turns: int) -> bytes:
    """Return a household's packed state after a number of turns."""
    recent = tuple(decision_of(intent_of(number, turn)) for turn in range(turns))
    state = HouseholdState(household_id=home(number), events=turns, recent=recent)
    return pack(Stored(state=state, intents=(Mark("11111111", 0, turns),)))


def state_with(number: int, decision_of_other: int) -> bytes:
    """Return a household's packed state with a decision on another household in it."""
    stored = unpack(state_of(number, 2))
    first, *rest = stored.state.recent
    recent = (replace(first, household_id=home(decision_of_other)), *rest)
    return pack(replace(stored, state=replace(stored.state, recent=recent)))


def typed(kind: Kind[Any]) -> dict[str, bytes]:
    """Return the header with a record's type."""
    return {"ce_type": kind.type.encode()}


def town_log(homes: int, turns: int) -> FakeLog:
    """Return a log of all households' turns, with a reply and a dead letter for each household."""
    log = FakeLog()
    for turn in range(turns):
        for number in range(homes):
            intent, name = intent_of(number, turn), home(number)
            log.add(INTENTS, name, INTENT.encode(intent), **typed(INTENT))
            log.add(DECISIONS, name, DECISION.encode(decision_of(intent)), **typed(DECISION))
            reported = outcome(intent.event_id, OutcomeKind.EXECUTED, household_id=name)
            log.add(OUTCOMES, name, OUTCOME.encode(reported))
            log.add(HOUSEHOLDS, name, state_of(number, turn + 1))
    for number in range(homes):
        reply = DECISION.encode(decision_of(intent_of(number, 0)))
        log.add(REPLIES, None, reply, **typed(DECISION))
        letter = INTENT.encode(intent_of(number, 1))
        log.add(DEAD_LETTERS, home(number), letter, misfire_topic=INTENTS.encode())
    return log


def with_fields(value: bytes | None, **fields: Any) -> bytes:
    """Return a record's value with fields of its JSON replaced or added."""

    def change(text: bytes) -> bytes:
        try:
            return json.dumps(json.loads(text) | fields).encode()
        except ValueError:  # an earlier change damaged it
            return text

    return with_text(value, change)


def with_text(value: bytes | None, change: Callable[[bytes], bytes]) -> bytes:
    """Return a record's value with its JSON changed; a state is unpacked and packed again."""
    if not value or value[:1] != _FORM:
        return change(value or b"{}")
    try:
        return Packer(LEVEL).compress(change(_decompress(value[1:])))
    except ZstdError:  # an earlier change damaged it
        return value
