"""Handles one record: decode, validate, call the core. No Kafka here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label
from detector.contracts.outcome_table import OutcomeRefused
from detector.decision.answers import answer, recall
from detector.decision.bundle import Bundle
from detector.decision.carrying import carry
from detector.decision.failing_closed import decide_or_fall_back
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.decision.verdict import Judgement
from detector.household.outcomes import report
from streams.errors import RecordError
from streams.telemetry import metrics
from streams.wire.announcements import ANNOUNCEMENT
from streams.wire.cloudevents import is_structured_record, read_record, type_inside
from streams.wire.records import (
    ANSWER,
    COMMAND,
    HISTORY,
    INTENT,
    LABEL,
    OUTCOME,
    PROBE,
    UPLOAD,
    Headers,
    HouseholdCommand,
    HouseholdUpload,
    Kind,
    header,
)
from streams.wire.state.marks import UNKNOWN, Mark, is_applied, with_mark
from streams.wire.state.packing import Stored
from streams.wire.token_format import check_tokens

__all__ = [
    "Incoming",
    "Settled",
    "announcement_of",
    "answer_record",
    "carried",
    "decide_record",
    "is_answer",
    "is_command",
    "is_history",
    "is_label",
    "is_probe",
    "is_upload",
    "read_answer",
    "read_command",
    "read_intent",
    "read_label",
    "read_outcome",
    "read_upload",
    "settle_record",
    "with_intent",
    "with_outcome",
]


#: The values of records: each has a household and a time.
V = TypeVar("V", IntentEvent, Outcome, ConfirmationAnswer, HouseholdCommand, HouseholdUpload, Label)

logger = logging.getLogger(__name__)

#: No installation makes a billion announcements.
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Incoming:
    """A raw record: bytes, headers, its position, and its log time in seconds since the epoch.

    ``topic_id`` distinguishes its topic from an earlier one of the same name (``marks.short_id``).
    """

    topic: str
    partition: int
    offset: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: Headers
    topic_id: str = UNKNOWN

    @property
    def mark(self) -> Mark:
        """The record's position, as a household's state stores it."""
        return Mark(self.topic_id, self.partition, self.offset)


def read_intent(record: Incoming, *, token_ids: bool = False) -> IntentEvent:
    """Read an intent event. Slot values must be tokens; with ``token_ids``, ids must be, too.

    Raises:
        RecordError: with code ``unknown_type``, ``too_large``, ``not_json``, ``ambiguous_json``,
            ``schema``, ``not_tokens``, or ``key_mismatch``.
    """
    return _read(record, INTENT, token_ids=token_ids)


def read_outcome(record: Incoming, *, token_ids: bool = False) -> Outcome:
    """Read an outcome; the same errors as ``read_intent``."""
    return _read(record, OUTCOME, token_ids=token_ids)


def read_answer(record: Incoming, *, token_ids: bool = False) -> ConfirmationAnswer:
    """Read an answer to a confirmation; the same errors as ``read_intent``."""
    return _read(record, ANSWER, token_ids=token_ids)


def read_command(record: Incoming, *, token_ids: bool = False) -> HouseholdCommand:
    """Read a command about a household; the same errors as ``read_intent``."""
    return _read(record, COMMAND, token_ids=token_ids)


def read_upload(record: Incoming, *, token_ids: bool = False) -> HouseholdUpload:
    """Read the upload of a household; the same errors as ``read_intent``."""
    return _read(record, UPLOAD, token_ids=token_ids)


def read_label(record: Incoming, *, token_ids: bool = False) -> Label:
    """Read a label; the same errors as ``read_intent``."""
    return _read(record, LABEL, token_ids=token_ids)


def is_history(record: Incoming) -> bool:
    """Return whether a record was decided or applied before it came to Kafka."""
    return header(record.headers, HISTORY) is not None


def is_upload(record: Incoming) -> bool:
    """Return whether a record among the intents is the upload of a household."""
    return header(record.headers, "ce_type") == UPLOAD.type.encode()


def is_command(record: Incoming) -> bool:
    """Return whether a record among the intents is a command about its household."""
    return header(record.headers, "ce_type") == COMMAND.type.encode()


def is_label(record: Incoming) -> bool:
    """Return whether a record among the intents is the label of an event."""
    return header(record.headers, "ce_type") == LABEL.type.encode()


def is_probe(record: Incoming) -> bool:
    """Return whether a record among the intents is a probe, which only needs a reply."""
    return record.key is None and header(record.headers, "ce_type") == PROBE.encode()


def announcement_of(record: Incoming) -> int | None:
    """Return the number of the announcement that a probe marks, or ``None`` for a plain probe."""
    found = header(record.headers, ANNOUNCEMENT)
    return int(found) if found and len(found) <= _MOST_DIGITS and found.isdigit() else None


def is_answer(record: Incoming) -> bool:
    """Return whether a record among the outcomes is an answer to a confirmation."""
    named = header(record.headers, "ce_type")
    if named is None and is_structured_record(record.headers):
        named = type_inside(record.value or b"")
    return named == ANSWER.type.encode()


def decide_record(
    stored: Stored,
    event: IntentEvent,
    record: Incoming,
    bundle: Bundle,
    *,
    at: float,
    over_budget: bool = False,
    proofs: bool = True,
    rules: RuleSet = NO_RULES,
    announce: Callable[[Judgement], None] | None = None,
) -> tuple[Decision, Stored, bool]:
    """Decide on an event and mark its record as applied; also return whether the core failed.

    ``proofs``, ``rules`` and ``announce`` are those of ``decide``. If the core fails, only the
    mark changes (``decide_or_fall_back``).
    """
    decision, state, error = decide_or_fall_back(
        stored.state,
        event,
        bundle,
        at=at,
        over_budget=over_budget,
        proofs=proofs,
        rules=rules,
        announce=announce,
    )
    if error is not None:
        logger.error(
            "the core failed on a record at offset %d of %s",
            record.offset,
            bundle.version,
            exc_info=error,
        )
    intents = with_mark(stored.intents, record.mark)
    return decision, replace(stored, state=state, intents=intents), error is not None


@dataclass(frozen=True, slots=True)
class Settled:
    """A household after an outcome.

    Attributes:
        stored: the new state.
        refused: why the outcome was refused and changed nothing, if it was.
        failed: whether the core failed on the outcome.
    """

    stored: Stored
    refused: OutcomeRefused | None = None
    failed: bool = False


def settle_record(stored: Stored, outcome: Outcome, record: Incoming, *, at: float) -> Settled:
    """Apply an outcome and mark its record as applied; keep the state if the core fails."""
    after = with_outcome(stored, record)
    try:
        refused, state = report(stored.state, outcome, at=at)
    except Exception:
        logger.exception("the core failed on an outcome at offset %d", record.offset)
        return Settled(after, failed=True)
    return Settled(replace(after, state=state), refused)


def carried(stored: Stored, before: Bundle | None, bundle: Bundle) -> Stored:
    """Return a household in the terms of the bundle that decides next.

    ``before`` is the bundle in whose terms it is; ``None`` if that cannot be read.
    """
    return replace(stored, state=carry(stored.state, before, bundle), bundle=bundle.version)


def with_intent(stored: Stored, record: Incoming) -> Stored:
    """Mark a record of the intents topic as applied."""
    return replace(stored, intents=with_mark(stored.intents, record.mark))


def with_outcome(stored: Stored, record: Incoming) -> Stored:
    """Mark a record of the outcomes topic as applied."""
    return replace(stored, outcomes=with_mark(stored.outcomes, record.mark))


def answer_record(
    stored: Stored, given: ConfirmationAnswer, record: Incoming, bundle: Bundle, key: bytes | None
) -> tuple[ConfirmationResult | None, Stored]:
    """Apply an answer to a question and mark its record as applied.

    The answer's time is its log time. An answer that is delivered again gets its first result. The
    result is ``None`` if the core failed: nothing is confirmed, and the state is unchanged.
    """
    again = is_applied(stored.outcomes, record.mark)
    try:
        recalled = recall(stored.state, given) if again else None
        result, state = answer(stored.state, given, bundle, at=record.timestamp, key=key)
    except Exception:
        logger.exception(
            "the core failed on an answer at offset %d of %s", record.offset, bundle.version
        )
        return None, stored if again else with_outcome(stored, record)
    if again:
        return recalled or result, stored
    return result, replace(with_outcome(stored, record), state=state)


def _read(record: Incoming, kind: Kind[V], *, token_ids: bool) -> V:
    value, ignored = read_record(record.headers, record.value, kind)
    if ignored:
        metrics.IGNORED_FIELDS.labels(record.topic).inc()
    check_tokens(value, ids=token_ids)
    if record.key != value.household_id.encode():
        raise RecordError(
            "key_mismatch",
            "the record's key is not its household_id; produce with household_id as the key",
        )
    return value
