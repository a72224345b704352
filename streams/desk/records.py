"""Which records go into the index, and how each is read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from streams.desk.index import Index
from streams.errors import RecordError
from streams.kafka.topics import DECISIONS, INCIDENTS, INTENTS, LABELS, OUTCOMES, SHADOWS
from streams.wire.late_answer import LATE
from streams.wire.records import (
    ANSWER,
    COMMAND,
    DECISION,
    INTENT,
    LABEL,
    OUTCOME,
    Command,
    header,
)
from streams.wire.shadow_verdict import SHADOW_VERDICT

__all__ = ["FOLLOWED", "add_record"]

logger = logging.getLogger(__name__)

#: The topics. A household's command and its events are in one topic, so they are read in order.
FOLLOWED = (INTENTS, DECISIONS, OUTCOMES, INCIDENTS, LABELS, SHADOWS)


def _intent(index: Index, value: bytes, at: float) -> None:
    index.add_turn(INTENT.decode(value), at)


def _command(index: Index, value: bytes, at: float) -> None:
    command = COMMAND.decode(value)
    if command.command is Command.ERASE:
        index.forget(command.household_id, at)


def _decision(index: Index, value: bytes, at: float) -> None:
    index.add_decision(DECISION.decode(value), at)


def _outcome(index: Index, value: bytes, at: float) -> None:
    outcome = OUTCOME.decode(value)
    index.add_note(outcome.household_id, outcome.event_id, "outcome", at, value)


def _answer(index: Index, value: bytes, at: float) -> None:
    answer = ANSWER.decode(value)
    index.add_note(answer.household_id, answer.confirmation_id, "answer", at, value)


def _late(index: Index, value: bytes, at: float) -> None:
    late = LATE.decode(value)
    index.add_note(late.household_id, late.event_id, "late", at, value)


def _label(index: Index, value: bytes, at: float) -> None:
    index.add_label(LABEL.decode(value), at)


def _shadow(index: Index, value: bytes, _: float) -> None:
    index.add_shadow(SHADOW_VERDICT.decode(value))


_READERS: dict[tuple[str, str], Callable[[Index, bytes, float], None]] = {
    (INTENTS, INTENT.type): _intent,
    (INTENTS, COMMAND.type): _command,
    (DECISIONS, DECISION.type): _decision,
    (OUTCOMES, OUTCOME.type): _outcome,
    (OUTCOMES, ANSWER.type): _answer,
    (INCIDENTS, LATE.type): _late,
    (LABELS, LABEL.type): _label,
    (SHADOWS, SHADOW_VERDICT.type): _shadow,
}
#: Types of records without a type.
_DEFAULTS = {
    INTENTS: INTENT.type,
    DECISIONS: DECISION.type,
    OUTCOMES: OUTCOME.type,
    INCIDENTS: LATE.type,
    LABELS: LABEL.type,
    SHADOWS: SHADOW_VERDICT.type,
}


def add_record(index: Index, topic: str, headers: Any, value: bytes | None, at: float) -> None:
    """Add a record to the index; one of another type, or one that cannot be read, is skipped.

    Args:
        index: the index.
        topic: the record's topic.
        headers: the record's headers.
        value: the record's value.
        at: the record's time in seconds since the epoch.
    """
    named = header(headers, "ce_type")
    kind = _DEFAULTS[topic] if named is None else named.decode("latin-1")
    read = _READERS.get((topic, kind))
    if read is None or value is None:
        return
    try:
        read(index, value, at)
    except RecordError as error:
        logger.debug("a record of %s is not shown: %s", topic, error)
    except Exception as error:  # noqa: BLE001 - one record must not hide all later ones
        logger.warning("a record of %s is not shown (%s)", topic, type(error).__name__)
