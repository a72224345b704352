"""One event's way into the household's open sessions and out again, before and after anybody judges it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from detector.contracts.clocks import ahead
from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, fingerprint
from detector.contracts.standing import Standing
from detector.household.chains import extend
from detector.household.conversations import new_name, open_session
from detector.household.fast_replace import changed
from detector.household.learning import close_sessions, predictive_bits, token
from detector.household.outcomes import await_outcome, standing_after, without_early
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

__all__ = ["Observation", "observe", "remember"]

#: Digits after the point of what a session keeps of surprisals (bits) and of its filter: as many as a decision tells.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Observation:
    """What one event looks like before it is judged: its surprisal in bits, its session and its chain, both with it.

    ``clock_replaced`` says that the device's clock was too far off, and the log's time stood in for it.
    """

    bits: float
    session: Session
    chain: Chain | None
    clock_replaced: bool = False


def observe(
    state: HouseholdState, event: IntentEvent, model: Model, policy: Policy, *, at: float
) -> tuple[Observation, HouseholdState]:
    """Take one event into its session at the log's time ``at``: step the filter, extend the chain. It teaches nothing yet."""
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
        bits += _opening_bits(state, event, model)
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
        ahead=device or 0.0,
        turns=session.turns + 1,
        symbols=(*session.symbols, symbol)[-MAX_TURNS:],
        intents=(*session.intents, event.intent)[-MAX_TURNS:],
        filter=tuple([round(share, DIGITS) for share in current.tolist()]),
        slots=known_slots(session.slots, event.slots),
        subject=subject,
        chain=chain,
    )
    return Observation(bits, longer, chain, clock_replaced=device is None), state


def remember(
    state: HouseholdState,
    event: IntentEvent,
    observation: Observation,
    *,
    at: float,
    decision: Decision | None = None,
) -> HouseholdState:
    """Put the session back into the state, the latest last, and let a committed chain wait for its outcome.

    ``decision`` is what the event gets again when it is repeated; ``None`` where nobody decides, and everything is allowed.
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
    return await_outcome(state, _pending(event, session, chain, decision, at), at=at)


def _pending(
    event: IntentEvent, session: Session, chain: Chain, decision: Decision | None, at: float
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
    )


def _opening_bits(state: HouseholdState, event: IntentEvent, model: Model) -> float:
    """How many bits rarer it is that this household begins a session with the event's domain than that anybody does.

    Only the domain's share is the household's own; within the domain the sequence model stays as it is. The shares of all
    domains sum to one under both, so the symbols' probabilities do, too.
    """
    base = model.opening_rate(event.domain)
    return predictive_bits(state.domains, event.domain, state.learned + 1, base) + math.log2(base)


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
