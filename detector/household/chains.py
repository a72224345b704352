"""The state machine of chains.

A chain is the events of a session from the one that initiates an intent to the one that commits it.
The rules are a table over (is a chain open?, act) and two exceptions: a turn about another intent
starts a new chain whatever its act is, and a committing event always belongs to a chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from detector.contracts.events import CONVERSATION, Act, IntentEvent
from detector.household.fast_replace import changed
from detector.household.state import MAX_TURNS, Chain, known_slots

__all__ = ["MOVES", "Move", "extend", "move"]


class Move(Enum):
    """The effect of a turn on the session's chain."""

    START = auto()
    CONTINUE = auto()
    CLOSE = auto()
    IGNORE = auto()


#: (a chain is open, act) -> move. A "conversation.*" turn never starts a chain; it continues an
#: open one.
MOVES: Mapping[tuple[bool, Act], Move] = {
    (False, Act.INITIATE): Move.START,
    (False, Act.ACCEPT): Move.START,
    (False, Act.INFORM): Move.START,
    (False, Act.SELECT): Move.START,
    (False, Act.ASK): Move.START,
    (False, Act.ALTERNATIVES): Move.START,
    (False, Act.AFFIRM): Move.START,
    (False, Act.DENY): Move.IGNORE,
    (False, Act.DECLINE): Move.IGNORE,
    (False, Act.THANK): Move.IGNORE,
    (False, Act.END): Move.IGNORE,
    (True, Act.INITIATE): Move.START,
    (True, Act.ACCEPT): Move.START,
    (True, Act.INFORM): Move.CONTINUE,
    (True, Act.SELECT): Move.CONTINUE,
    (True, Act.ASK): Move.CONTINUE,
    (True, Act.ALTERNATIVES): Move.CONTINUE,
    (True, Act.AFFIRM): Move.CONTINUE,
    (True, Act.DENY): Move.CONTINUE,
    (True, Act.DECLINE): Move.CONTINUE,
    (True, Act.THANK): Move.CLOSE,
    (True, Act.END): Move.CLOSE,
}


def move(chain: Chain | None, event: IntentEvent) -> Move:
    """Return the effect of ``event`` on the open ``chain``; ``None`` means that none is open."""
    found = MOVES[chain is not None, event.act]
    if event.commits and (chain is None or event.intent != chain.intent):
        return Move.START
    if event.commits:
        return Move.CONTINUE if found is Move.CLOSE else found
    if event.domain == CONVERSATION:
        inside = Move.IGNORE if chain is None else Move.CONTINUE
        return inside if found is Move.START else found
    if found is Move.CONTINUE and chain is not None and event.intent != chain.intent:
        return Move.START
    return found


def extend(
    chain: Chain | None, event: IntentEvent, *, turn: int, bits: float, known: Mapping[str, str]
) -> Chain | None:
    """Return the session's chain after ``event``.

    Args:
        chain: the open chain, or ``None``.
        event: the turn.
        turn: the turn's index in the session.
        bits: the turn's surprisal in bits.
        known: the session's slots before this turn, name to token.
    """
    step = move(chain, event)
    if step is Move.CLOSE:
        return None
    if step is Move.IGNORE:
        return chain
    if chain is None or step is Move.START:
        chain = Chain(intent=event.intent, act=event.act.value, start=turn, bits=())
    longer, said = (*chain.bits, bits)[-MAX_TURNS:], event.slots
    if (
        not said
        and event.asr_confidence is event.wake_confidence is event.intent_confidence is None
    ):
        return changed(chain, bits=longer)
    return changed(
        chain,
        bits=longer,
        slots=known_slots(chain.slots, said),
        repeated=chain.repeated + len(chain.slots.keys() & said.keys()),
        conflicts=chain.conflicts
        + sum([known.get(name, token) != token for name, token in said.items()]),
        intent_confidences=_appended(chain.intent_confidences, event.intent_confidence),
        asr_confidences=_appended(chain.asr_confidences, event.asr_confidence),
        wake_confidences=_appended(chain.wake_confidences, event.wake_confidence),
    )


def _appended(confidences: tuple[float, ...], confidence: float | None) -> tuple[float, ...]:
    """Append a turn's confidence unless it is missing; keep the last ``MAX_TURNS``."""
    return confidences if confidence is None else (*confidences, confidence)[-MAX_TURNS:]
