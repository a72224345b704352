"""(state, event, bundle) -> (decision, state): the whole decision, as a pure function.

Score first, learn after: an event never affects the model that judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from detector.contracts.decisions import Decision, Expected, Rung, Verdict
from detector.contracts.events import IntentEvent, Outcome, fingerprint
from detector.decision.bundle import Bundle
from detector.decision.overruling import classified_by, named_in, overruled
from detector.decision.questions import ask, without_proofs
from detector.decision.reasons import expected_instead, reasons_for
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.decision.verdict import Judgement, judge_chain, rule_on
from detector.evidence import Moment
from detector.household.outcomes import report
from detector.household.sessions import Observation, observe, remember
from detector.household.state import HouseholdState
from detector.policy.fallback import draft_decision, with_verdict
from detector.policy.intent_rules import Classified

__all__ = ["apply_outcome", "decide", "follow", "is_reused"]


def decide(
    state: HouseholdState,
    event: IntentEvent,
    bundle: Bundle,
    *,
    at: float,
    rung: Rung = Rung.WORKER,
    over_budget: bool = False,
    proofs: bool = True,
    rules: RuleSet = NO_RULES,
    announce: Callable[[Judgement], None] | None = None,
) -> tuple[Decision, HouseholdState]:
    """Decide on one event and add it to the household's state.

    A repeated ``event_id`` among the household's latest ``MAX_RECENT`` events gets its first
    decision again and changes nothing, even after its session has ended. ``is_reused`` checks
    whether it really is the same event. An older repetition is decided like a new event.

    A chain that needs a confirmation keeps needing it within its session. Only an answer that
    ``questions.answer`` has accepted lets the command run. After a no, the user can start the
    command again.

    Args:
        state: the household before the event.
        event: the event to decide on.
        bundle: the model, judge, calibration and policy to decide with.
        at: log time of the event's record, in seconds (``clocks.py``). The device's own time only
            describes habits. If the policy rejects it, log time replaces it, and the decision says
            so in ``clock_replaced``.
        rung: the rung that decides.
        over_budget: whether the block budget is exhausted; blocks then become confirms.
        proofs: whether proofs of confirmations can be checked. If not, the methods that need a
            proof are not offered.
        rules: the rules that can concern the household; they change the model's verdict.
        announce: called with the judgement of a committed chain.

    Returns:
        The decision, and the household after the event.
    """
    for earlier in state.recent:
        if earlier.event_id == event.event_id:
            return earlier, state
    observation, state = observe(state, event, bundle.model, bundle.policy, at=at)
    chain = observation.chain
    ruled = event.commits and rules.version is not None
    matching = rules.matching(event.intent, event.device_id, at) if ruled else ()
    classified, classifying = classified_by(matching, bundle.classify(event.intent))
    draft = partial(
        draft_decision,
        event,
        bundle.policy,
        bundle.version,
        rung,
        risk=classified.risk,
        surprisal_bits=0.0 if chain is None else round(sum(chain.bits), 6),
        event_bits=round(observation.bits, 6),
        clock_replaced=observation.clock_replaced,
    )
    decision = (
        _judged(
            draft,
            state,
            event,
            observation,
            bundle,
            classified=classified,
            rung=rung,
            over_budget=over_budget,
            announce=announce,
        )
        if event.commits
        else draft()
    )
    if ruled:
        if classifying is not None:
            decision = named_in(decision, classifying)
        decision = overruled(decision, matching, bundle.policy)
        decision = replace(decision, rules=rules.version)
    if not proofs:
        decision = without_proofs(decision)
    if decision.confirm is not None:
        decision, state = ask(decision, state, event, observation.session, bundle, at=at)
    return decision, remember(state, event, observation, at=at, decision=decision)


def follow(
    state: HouseholdState, event: IntentEvent, bundle: Bundle, decision: Decision, *, at: float
) -> HouseholdState:
    """Return the household after an event that another rung has decided on.

    The event is remembered as by ``decide``. Its question, if any, stays with the rung that asked.
    """
    if any(earlier.event_id == event.event_id for earlier in state.recent):
        return state
    observation, state = observe(state, event, bundle.model, bundle.policy, at=at)
    return remember(state, event, observation, at=at, decision=decision)


def is_reused(state: HouseholdState, event: IntentEvent) -> bool:
    """Return whether a recent, different event of the household has this ``event_id``."""
    known = state.fingerprints.get(event.event_id)
    return known is not None and known != fingerprint(event)


def apply_outcome(state: HouseholdState, outcome: Outcome, *, at: float) -> HouseholdState:
    """Return the household after an outcome that was reported at log time ``at``.

    A refused outcome changes nothing; ``outcomes.report`` also returns why.
    """
    return report(state, outcome, at=at)[1]


def _judged(
    draft: Callable[..., Decision],
    state: HouseholdState,
    event: IntentEvent,
    observation: Observation,
    bundle: Bundle,
    *,
    classified: Classified,
    rung: Rung,
    over_budget: bool,
    announce: Callable[[Judgement], None] | None,
) -> Decision:
    """Return the decision on a committing event; ``draft`` makes one that allows it."""
    chain = observation.chain
    if chain is None:
        raise AssertionError("a committing event always belongs to a chain (chains.move)")
    moment = Moment.of(event, observation.session, chain, state, bundle.model)
    judgement = judge_chain(moment, bundle, classified.risk)
    failed = judgement.failed
    if announce is not None and not failed:
        announce(judgement)
    ruling = rule_on(
        moment,
        judgement,
        bundle,
        classified.risk,
        classified=classified,
        rung=rung,
        over_budget=over_budget,
    )
    reasons, expected = ruling.reasons, tuple[Expected, ...]()
    if ruling.verdict is not Verdict.ALLOW and not failed:
        contributions = judgement.contributions(bundle.judge)
        at_least = 0 if reasons else 1
        reasons += reasons_for(moment, judgement.values, contributions, at_least=at_least)
        expected = expected_instead(bundle.model, observation.session, chain.bits)
    judged = draft(
        misfire_probability=None if failed else round(judgement.misfire_probability, 12),
        p_value=None if failed or judgement.p_value is None else round(judgement.p_value, 12),
        abstained=ruling.abstained,
        reasons=reasons,
        expected=expected,
    )
    probability = bundle.policy.base_rate if failed else judgement.misfire_probability
    return with_verdict(judged, bundle.policy, ruling.verdict, probability)
