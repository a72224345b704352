"""Carries a household's open conversations over from one bundle to another.

Habits, outcomes and decisions do not depend on the bundle and stay as they are. The symbols, the
filter and the surprisals of an open conversation do. They are rebuilt from the turns that the
conversation keeps, as if the new bundle had decided on them. Two things are not exact: a turn that
the old bundle had not learned stays unseen, and surprisals of slot names keep the old bundle's
values, because a conversation does not keep which slots each turn named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from detector.contracts.events import domain_of
from detector.decision.bundle import Bundle
from detector.household.sessions import DIGITS, opening_bits, rounded
from detector.household.state import HouseholdState, Question, Session
from detector.population.model import Model

__all__ = ["Meaning", "carry", "differences"]

#: (intent, act) of each symbol.
Symbols = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a change of bundles means for the stored states.

    Attributes:
        kept: whether open conversations keep their meaning unchanged; otherwise they are rebuilt.
        lost: the (intent, act) pairs that the new bundle has not learned, sorted.
        learned: those that only the new bundle has learned, sorted.
        reclassified: intents that both know, whose risk class changes, sorted.
    """

    kept: bool
    lost: tuple[tuple[str, str], ...]
    learned: tuple[tuple[str, str], ...]
    reclassified: tuple[str, ...]


def differences(old: Bundle, new: Bundle) -> Meaning:
    """Return what a change from one bundle to another means for the stored states."""
    before, after = set(old.model.vocabulary.symbols), set(new.model.vocabulary.symbols)
    known = {intent for intent, _ in before & after}
    return Meaning(
        kept=_same_sequences(old.model, new.model),
        lost=tuple(sorted(before - after)),
        learned=tuple(sorted(after - before)),
        reclassified=tuple(
            sorted(each for each in known if old.classify(each).risk != new.classify(each).risk)
        ),
    )


def carry(state: HouseholdState, old: Bundle | None, new: Bundle) -> HouseholdState:
    """Return a household as the new bundle's, from its state under the old one.

    Args:
        state: the state that the old bundle left.
        old: the old bundle. ``None`` if it cannot be read any more: open conversations, and the
            conversations of open questions, are then forgotten.
        new: the new bundle.
    """
    if old is not None and (old.version == new.version or _same_sequences(old.model, new.model)):
        return state
    if old is None:
        questions = tuple(replace(each, session=None) for each in state.questions)
        return replace(state, sessions=(), questions=questions)
    symbols = old.model.vocabulary.symbols
    return replace(
        state,
        sessions=tuple(_rebuilt(each, state, symbols, new.model) for each in state.sessions),
        questions=tuple(_question(each, state, symbols, new.model) for each in state.questions),
    )


def _same_sequences(old: Model, new: Model) -> bool:
    names = ("pairs", "blocks", "escape", "backoff", "arrival")
    return old.vocabulary.symbols == new.vocabulary.symbols and all(
        np.array_equal(getattr(old.sequence, name), getattr(new.sequence, name)) for name in names
    )


def _question(
    question: Question, state: HouseholdState, symbols: Symbols, model: Model
) -> Question:
    if question.session is None:
        return question
    return replace(question, session=_rebuilt(question.session, state, symbols, model))


def _rebuilt(session: Session, state: HouseholdState, symbols: Symbols, model: Model) -> Session:
    """Return a conversation with its kept turns filtered again.

    Of a conversation with more than ``MAX_TURNS`` turns, the filter starts at the first kept turn.
    """
    names = [symbols[each] if each < len(symbols) else ("", "") for each in session.symbols]
    turns = tuple(model.vocabulary.index(intent, act) for intent, act in names)
    current, previous = tuple(model.sequence.fresh().tolist()), model.sequence.start
    bits: list[float] = []
    for symbol in turns:
        after, surprisal = model.sequence.step(np.array(current), previous, symbol)
        if not bits and session.turns == len(turns):
            surprisal += opening_bits(state, domain_of(session.intents[0]), model)
        bits.append(round(surprisal, DIGITS))
        current, previous = rounded(after), symbol
    chain, subject = session.chain, session.subject
    return replace(
        session,
        symbols=turns,
        filter=current,
        # Each turn of an open chain, and each of the subject, is one of the latest turns.
        chain=None if chain is None else replace(chain, bits=_latest(bits, chain.bits)),
        subject=None if subject is None else replace(subject, bits=_latest(bits, subject.bits)),
    )


def _latest(bits: Sequence[float], before: Sequence[float]) -> tuple[float, ...]:
    return tuple(bits[len(bits) - len(before) :])
