"""A decision as a person reads it: evidence that adds up, and what happened afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from detector.contracts.decisions import Decision
from streams.desk.rows import Note, Turn
from streams.wire.late_answer import LATE
from streams.wire.records import ANSWER, LABEL, OUTCOME
from streams.wire.shadow_verdict import ShadowVerdict

__all__ = ["Account", "Event", "Step", "account_of", "events_of", "short", "steps_of"]

#: Digits of a household's token that a page shows.
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Account:
    """The evidence for a misfire in bits: the parts, and their sum.

    Attributes:
        parts: a sentence and its bits for each reason with a weight.
        rest: bits of the base rate and of all evidence that is not among the reasons.
        total: the log-odds of a misfire, in bits; higher speaks for a misfire.
        probability: the same as a probability.
    """

    parts: tuple[tuple[str, float], ...]
    rest: float
    total: float
    probability: float


def account_of(decision: Decision | ShadowVerdict) -> Account | None:
    """Return the account of a decision or verdict; ``None`` if the judge gave no probability."""
    probability = decision.misfire_probability
    if probability is None:
        return None
    # Decisions are rounded to twelve decimals.
    kept = min(max(probability, 1e-12), 1.0 - 1e-12)
    total = math.log2(kept / (1.0 - kept))
    parts = tuple((each.text, each.bits) for each in decision.reasons if each.bits)
    return Account(parts, total - sum(bits for _, bits in parts), total, probability)


@dataclass(frozen=True, slots=True)
class Step:
    """A turn of a chain.

    ``bits`` is its surprisal, and ``rarest`` marks the most surprising turn, whose place the
    expected events are for.
    """

    event_id: str
    intent: str
    act: str
    bits: float
    time: datetime
    rarest: bool


def steps_of(chain: Sequence[Turn]) -> list[Step]:
    """Return the turns of a chain as steps, in order."""
    most = max((turn.row.decision.event_bits for turn in chain), default=0.0)
    places = [turn.row.decision.event_bits == most for turn in chain]
    first = places.index(True) if True in places else -1
    return [
        Step(
            event_id=turn.row.decision.event_id,
            intent=turn.row.decision.intent,
            act=turn.act or "unknown",
            bits=turn.row.decision.event_bits,
            time=turn.local or datetime.fromtimestamp(turn.row.at, UTC),
            rarest=number == first,
        )
        for number, turn in enumerate(chain)
    ]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened after a decision, as a sentence; ``time`` is the log's."""

    time: datetime
    text: str


def events_of(notes: Sequence[Note]) -> list[Event]:
    """Return what the notes on a decision say, in order of time."""
    return [Event(datetime.fromtimestamp(note.at, UTC), _text(note)) for note in notes]


def _text(note: Note) -> str:
    if note.kind == "outcome":
        outcome = OUTCOME.decode(note.body)
        return f"Outcome {outcome.outcome}, reported by the {outcome.source}."
    if note.kind == "answer":
        answer = ANSWER.decode(note.body)
        return f"The user answered {'yes' if answer.accepted else 'no'} by {answer.method}."
    if note.kind == "label":
        label = LABEL.decode(note.body)
        return f"Labelled {label.label} by {label.by}: {label.why}."
    late = LATE.decode(note.body)
    return (
        f"The {late.rung} answered {late.answered} in time ({late.reason}); "
        f"the worker decided {late.decided} {late.late_ms:,} ms later."
    )


def short(household_id: str) -> str:
    """Return the short form of a household's token.

    >>> short("acme_0123456789abcdef0123456789abcdef"), short("kitchen")
    ('acme_01234567…', 'kitchen')
    """
    key, mark, digits = household_id.partition("_")
    return f"{key}{mark}{digits[:_DIGITS]}…" if len(digits) > _DIGITS else household_id
