"""The update of a household's open sessions by an event, before and after the decision on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.clocks import ahead
from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, fingerprint
from detector.contracts.standing import MEANT, Standing
from detector.household.chains import extend
from detector.household.command_counts import contexts_of, device_name, with_command
from detector.household.command_rate import with_counted
from detector.household.conversations import new_name, open_session
from detector.household.early_outcomes import without_early
from detector.household.fast_replace import changed
from detector.household.fast_rounding import round_each
from detector.household.learning import close_sessions, predictive_bits, token
from detector.household.pending_commands import await_outcome
from detector.household.relearning import relearned
from detector.household.standings import standing_after
from detector.household.state import (
    MAX_RECENT,
    MAX_SESSIONS,
    MAX_TURNS,
    Chain,
    HouseholdState,
    Pending,
    Session,
    known_slots,
)
from detector.household.subjects import follow
from detector.policy.policy import Policy
from detector.population.model import Model

__all__ = ["DIGITS", "Observation", "observe", "opening_bits", "remember", "rounded"]

#: Decimal places of the surprisals (bits) and of the filter in a session; decisions have as many.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Observation:
    """An event before the decision: its surprisal in bits, and its session and chain including it.

    ``clock_replaced`` means that the device's clock was too far from the log's, which replaced it.
    """

    bits: float
    session: Session
    chain: Chain | None
    clock_replaced: bool = False


def observe(
    state: HouseholdState, event: IntentEvent, model: Model, policy: Policy, *, at: float
) -> tuple[Observation, HouseholdState]:
    """Add an event to its session at the log's time ``at``: step the filter and extend the chain.

    The returned state does not contain the event yet (see ``remember``).
    """
    session = open_session(state, event, policy.conversations, at)
    if session is None:
        state = close_sessions(
            state, model.population, at=at, undo_window=policy.undo_window_seconds
        )
        session = _opened(event, model, new_name(state, event), at)
    device = ahead(event, at, policy.clock.skew_seconds)
    symbol = model.vocabulary.index(event.intent, event.act)
    previous = session.symbols[-1] if session.symbols else model.sequence.start
    current, bits = model.sequence.step(np.array(session.filter), previous, symbol)
    if session.turns == 0:
        bits += opening_bits(state, event.domain, model)
    bits = round(bits, DIGITS)
    chain = extend(session.chain, event, turn=session.turns, bits=bits, known=session.slots)
    subject = follow(
        session.subject,
        event,
        turn=session.turns,
        bits=bits,
        slot_bits=round(model.population.slot_bits(event, session.slots), DIGITS),
        population=model.population,
    )
    longer = changed(
        session,
        seconds=at,
        ahead=(device or 0.0) + event.zone_seconds,
        turns=session.turns + 1,
        symbols=(*session.symbols, symbol)[-MAX_TURNS:],
        intents=(*session.intents, event.intent)[-MAX_TURNS:],
        filter=rounded(current),
        slots=known_slots(session.slots, event.slots),
        subject=subject,
        chain=chain,
    )
    return Observation(bits, longer, chain, clock_replaced=device is None), state


def rounded(current: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return a filter as a session stores it."""
    return tuple(round_each(current.tolist(), DIGITS))


def remember(
    state: HouseholdState,
    event: IntentEvent,
    observation: Observation,
    *,
    at: float,
    decision: Decision | None = None,
) -> HouseholdState:
    """Store the session as the latest one, and keep a committed chain until its outcome is known.

    ``decision`` is returned again if the event is redelivered. ``None`` means that no decision is
    made and every command is allowed, as in training.
    """
    session, chain = observation.session, observation.chain
    if event.commits:
        session = changed(
            session, chain=None, committed=(*session.committed, event.intent)[-MAX_TURNS:]
        )
    others = [other for other in state.sessions if other.session_id != session.session_id]
    recent, fingerprints = state.recent, state.fingerprints
    if decision is not None:
        recent, fingerprints = (
            (*recent, decision),
            {**fingerprints, event.event_id: fingerprint(event)},
        )
        for forgotten in recent[:-MAX_RECENT]:
            fingerprints.pop(forgotten.event_id, None)
    state = changed(
        state,
        events=state.events + 1,
        sessions=(*others, session)[-MAX_SESSIONS:],
        recent=recent[-MAX_RECENT:],
        fingerprints=fingerprints,
    )
    if not event.commits or chain is None:
        return without_early(state, event.event_id)
    state = with_counted(state, at)
    contexts = contexts_of(event, state.commands.latest)
    pending = _pending(event, session, chain, decision, at, contexts=contexts)
    accepted = pending.standing in MEANT
    state = relearned(
        state,
        lambda bare: changed(
            bare, commands=with_command(bare.commands, event, at, accepted=accepted)
        ),
    )
    return await_outcome(state, pending, at=at)


def _pending(
    event: IntentEvent,
    session: Session,
    chain: Chain,
    decision: Decision | None,
    at: float,
    *,
    contexts: tuple[str, ...],
) -> Pending:
    return Pending(
        event_id=event.event_id,
        session_id=session.session_id,
        intent=event.intent,
        seconds=at,
        ahead=session.ahead,
        tokens=tuple(token(name, value) for name, value in sorted(chain.slots.items())),
        standing=standing_after(decision) if decision else Standing.ALLOWED,
        confirmation_id=decision.confirm.confirmation_id if decision and decision.confirm else None,
        device=device_name(event.device_id),
        contexts=contexts,
    )


def opening_bits(state: HouseholdState, domain: str, model: Model) -> float:
    """Return the bits by which a domain is a rarer opening here than in the population.

    The household replaces only the probability of the domain; within the domain the sequence model
    applies. The probabilities of all domains sum to one in both, so those of the symbols do too.
    """
    base = model.opening_rate(domain)
    return predictive_bits(state.domains, domain, state.learned + 1, base) + math.log2(base)


def _opened(event: IntentEvent, model: Model, name: str, at: float) -> Session:
    return Session(
        session_id=name,
        device_id=event.device_id,
        seconds=at,
        turns=0,
        symbols=(),
        intents=(),
        filter=tuple(model.sequence.fresh().tolist()),
    )
