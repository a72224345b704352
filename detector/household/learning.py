"""The household layer: decayed counts of what a household meant, mixed with the population's rates.

The weight of the counts grows with the evidence. A household learns only from chains that were
meant: the verdict allowed them or a checked answer confirmed them, and they were not undone
(``contracts.standing.MEANT``). It does not learn from blocked, denied, undone or open chains,
because a misfire would otherwise make misfires look normal.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

from detector.contracts.clocks import apart
from detector.contracts.events import CONVERSATION, domain_of
from detector.contracts.standing import MEANT
from detector.household.command_counts import DISCOUNT, STRENGTH, with_meant
from detector.household.decayed_uses import add_uses, aged_hours, strength, total_strength
from detector.household.fast_replace import changed
from detector.household.past_commands import with_past
from detector.household.relearning import relearned
from detector.household.state import (
    FORGET_SECONDS,
    MAX_INTENTS,
    MAX_SESSIONS,
    MAX_TOKENS,
    HouseholdState,
    Pending,
    Session,
    Usage,
)
from detector.population.base_rates import Population, part_of_week

__all__ = [
    "LESSONS_A_DAY",
    "close_sessions",
    "dropped_sessions",
    "learn_late",
    "predictive_bits",
    "skipped_sessions",
    "token",
]

#: Sessions that a household learns from in one day: about twice the 99th percentile of homes that
#: give each command in a session of its own. What a third-party skill or a loop repeats a thousand
#: times in an hour therefore cannot fill the memory within a day.
LESSONS_A_DAY = 64
_DAY = 86_400
#: Weight of the newest session in the share of sessions with something new.
NOVELTY_WEIGHT = 0.1


def token(name: str, value: str) -> str:
    """Return the digest under which the household remembers a slot and its token.

    The digest has 6 hexadecimal digits. With 64 remembered digests, an unused value is mistaken for
    a known one once in 260,000 times.
    """
    return hashlib.blake2b(f"{name}={value}".encode(), digest_size=3).hexdigest()


def predictive_bits(usages: Mapping[str, Usage], key: str, session: int, base: float) -> float:
    """Return the surprisal in bits of ``key`` as the household's next use; higher is rarer.

    The surprisal is that of the Pitman-Yor predictive (Teh 2006, "A hierarchical Bayesian language
    model", eq. 2) over decayed counts. The probability that the household's own counts leave is
    distributed by the population's rate ``base``, so an unseen key has a finite surprisal.
    """
    total, claimed = total_strength(usages.values(), session, discount=DISCOUNT)
    own = max(strength(usages.get(key), session) - DISCOUNT, 0.0)
    return -math.log2((own + (total + STRENGTH - claimed) * base) / (total + STRENGTH))


def skipped_sessions(before: HouseholdState, after: HouseholdState) -> int:
    """Return how many sessions between two states were skipped because of ``LESSONS_A_DAY``."""
    counted = before.taught if before.taught_on == after.taught_on else 0
    return max(after.taught - LESSONS_A_DAY, 0) - max(counted - LESSONS_A_DAY, 0)


def dropped_sessions(
    before: HouseholdState, after: HouseholdState, *, at: float, undo_window: float
) -> int:
    """Return how many open sessions an event at log time ``at`` dropped, beyond ``MAX_SESSIONS``.

    The household learns nothing from them.
    """
    if len(before.sessions) < MAX_SESSIONS:
        return 0
    kept = {session.session_id for session in after.sessions}
    return sum(
        session.session_id not in kept and apart(at, session.seconds) < undo_window
        for session in before.sessions
    )


def close_sessions(
    state: HouseholdState, population: Population, *, at: float, undo_window: float
) -> HouseholdState:
    """Close the sessions whose undo window has passed at the log's time ``at``; learn from them.

    Closed questions, and outcomes whose event never arrived, are removed after ``FORGET_SECONDS``.
    """
    still_open = tuple(
        session for session in state.sessions if apart(at, session.seconds) < undo_window
    )
    if len(still_open) < len(state.sessions):
        kept = {session.session_id for session in still_open}
        for session in state.sessions:
            if session.session_id not in kept:
                state = _learn_session(state, session, population, at)
        state = changed(state, sessions=still_open)
    if not state.questions and not state.early:
        return state
    return changed(
        state,
        questions=tuple(
            each
            for each in state.questions
            if each.state == "open" or apart(at, each.closed) < FORGET_SECONDS
        ),
        early=tuple(
            each for each in state.early if apart(at, each.time.timestamp()) < FORGET_SECONDS
        ),
    )


def learn_late(state: HouseholdState, chains: Iterable[Pending], *, at: float) -> HouseholdState:
    """Learn from meant chains whose sessions are closed.

    The household learns from the chains of an open session when that session is closed.
    """
    still_open = {session.session_id for session in state.sessions}
    by_session: dict[str, list[Pending]] = {}
    for chain in chains:
        if chain.session_id not in still_open:
            by_session.setdefault(chain.session_id, []).append(chain)
    for late in by_session.values():
        events = {chain.event_id for chain in late}
        rest = tuple(pending for pending in state.pending if pending.event_id not in events)
        uses = {chain.intent for chain in late}
        state = _learn(changed(state, pending=rest), uses, late, late[-1].device_seconds, at)
    return state


def _learn_session(
    state: HouseholdState, session: Session, population: Population, at: float
) -> HouseholdState:
    chains = [pending for pending in state.pending if pending.session_id == session.session_id]
    meant = [pending for pending in chains if pending.standing in MEANT]
    refused = {domain_of(pending.intent) for pending in chains if pending.standing not in MEANT}
    committed = {pending.intent for pending in meant}
    answered = {
        intent
        for intent in session.intents
        if intent in population.intents and intent not in population.committing
    }
    uses = {intent for intent in answered | committed if domain_of(intent) not in refused}
    # A chain that was not executed stays pending: a later report may still say that it was meant.
    if meant:
        learned = {pending.event_id for pending in meant}
        state = changed(
            state,
            pending=tuple([each for each in state.pending if each.event_id not in learned]),
        )
    return _learn(state, uses, meant, session.device_seconds, at)


def _learn(
    state: HouseholdState,
    intents: set[str],
    chains: Sequence[Pending],
    device_seconds: float,
    at: float,
) -> HouseholdState:
    """Learn from one session at the log's time ``at``; the device's clock dates its habits."""
    intents = {intent for intent in intents if domain_of(intent) != CONVERSATION}
    if not intents:
        return state
    return relearned(state, lambda bare: _lesson(bare, intents, chains, device_seconds, at))


def _lesson(
    state: HouseholdState,
    intents: set[str],
    chains: Sequence[Pending],
    device_seconds: float,
    at: float,
) -> HouseholdState:
    state = _counted(state, at)
    if state.taught > LESSONS_A_DAY:
        return with_past(state, chains)
    domains = {domain_of(intent) for intent in intents}
    new = any(domain not in state.domains for domain in domains)
    number = state.learned + 1
    tokens, commands = {name for chain in chains for name in chain.tokens}, state.commands
    for chain in chains:
        commands = with_meant(
            commands,
            chain.intent,
            chain.contexts,
            chain.device,
            device_seconds=chain.device_seconds,
            at=chain.seconds,
        )
    learned = changed(
        state,
        learned=number,
        intents=add_uses(state.intents, intents, number, MAX_INTENTS),
        domains=add_uses(state.domains, domains, number, MAX_INTENTS),
        tokens=(*sorted(tokens), *(known for known in state.tokens if known not in tokens))[
            :MAX_TOKENS
        ],
        hours=aged_hours(state.hours, part_of_week(device_seconds)),
        commands=commands,
        novelty=round(state.novelty + NOVELTY_WEIGHT * (new - state.novelty), 6),
    )
    return with_past(learned, chains, lesson=number)


def _counted(state: HouseholdState, at: float) -> HouseholdState:
    """Count a session that the household could learn from.

    Events and outcomes come from two topics, so the log's time may go back to yesterday; such a
    session counts as today's. If the time goes back further, the latest day came from a wrong
    timestamp. The count then continues on the current day and is reset on the next one.
    """
    day, latest = int(at // _DAY), state.taught_on
    if day > latest:
        return changed(state, taught_on=day, taught=1)
    return changed(state, taught_on=latest if latest - day <= 1 else day, taught=state.taught + 1)
