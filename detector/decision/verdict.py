"""From evidence to a verdict: the judge's probability, the calibrated budget, and fixed rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import MILD, Reason, RiskClass, Rung, Verdict
from detector.contracts.events import Act
from detector.contracts.standing import MEANT, Standing
from detector.decision.bundle import Bundle
from detector.decision.first_time import is_familiar, why_first_physical
from detector.decision.household_limit import why_over_limit
from detector.decision.question_fatigue import recent_questions
from detector.evidence import MISSING, TERMS, Moment, evidence
from detector.household.conversations import runtime_session_id
from detector.household.relearning import is_misfire
from detector.household.state import Pending
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS, Rank
from detector.judge.judge import Judge, misfire_probability
from detector.policy.intent_rules import Classified
from detector.policy.unclassified import why_unclassified

Floats = npt.NDArray[np.float64]

#: After these, a command that starts anew is judged on its own.
_BEGUN_ANEW = frozenset({Standing.NOT_RUN, Standing.DENIED, Standing.UNDONE})

__all__ = ["Judgement", "Ruling", "judge_chain", "judge_chains", "rule_on"]


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The judge's result for a chain.

    Attributes:
        values: (T,) the evidence.
        ratio_bits: log-likelihood ratio of misfire to meant, in bits; higher speaks for a misfire.
        misfire_probability: the probability that the chain was not meant.
        rank: the conformal p-value and its limit, or ``None`` with too little calibration data.
        leaves: the leaves that the evidence reached in the judge, if it was judged alone.
    """

    values: Floats
    ratio_bits: float
    misfire_probability: float
    rank: Rank | None
    leaves: npt.NDArray[np.int64] | None = None

    @property
    def p_value(self) -> float | None:
        """The conformal p-value, or ``None`` with too little calibration data."""
        return None if self.rank is None else self.rank.p_value

    @property
    def failed(self) -> bool:
        """Whether the probability or the p-value is not a number in [0, 1], and so is unusable."""
        return not (
            0.0 <= self.misfire_probability <= 1.0
            and (self.p_value is None or 0.0 <= self.p_value <= 1.0)
        )

    def contributions(self, judge: Judge) -> Floats:
        """Return the contribution of each term to the ratio, in bits, shape (T,).

        Args:
            judge: the judge that judged the chain; it need not find the leaves again.
        """
        if self.leaves is None:
            return judge.contributions(self.values)
        return judge.contributions_of(self.leaves)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict.

    Attributes:
        verdict: the verdict.
        abstained: whether the policy's fallback replaced the judge.
        reasons: the rules that led to the verdict; each has 0.0 bits.
    """

    verdict: Verdict
    abstained: bool = False
    reasons: tuple[Reason, ...] = ()


def judge_chain(moment: Moment, bundle: Bundle, risk: RiskClass) -> Judgement:
    """Judge a committed chain. An arithmetic failure sets ``failed`` and raises nothing."""
    try:
        values = evidence(moment)
        leaves = bundle.judge.reached(values)
        ratio = bundle.judge.ratio_of(leaves)
    except (ArithmeticError, ValueError):
        return _no_judgement()
    return _judgement(moment, values, ratio, bundle, risk, leaves=leaves)


def judge_chains(
    moments: Sequence[Moment], bundle: Bundle, risks: Sequence[RiskClass]
) -> list[Judgement]:
    """Judge many committed chains like ``judge_chain``; the judge is faster for many at once."""
    found = [_evidence_if_any(moment) for moment in moments]
    rows = [values for values in found if values is not None]
    ratios = iter(bundle.judge.ratios_bits(np.array(rows)).tolist() if rows else ())
    return [
        _no_judgement()
        if values is None
        else _judgement(moment, values, next(ratios), bundle, risk)
        for moment, values, risk in zip(moments, found, risks, strict=True)
    ]


def _evidence_if_any(moment: Moment) -> Floats | None:
    try:
        return evidence(moment)
    except (ArithmeticError, ValueError):
        return None


def _no_judgement() -> Judgement:
    return Judgement(np.full(len(TERMS), MISSING), math.nan, math.nan, None)


def _judgement(
    moment: Moment,
    values: Floats,
    ratio: float,
    bundle: Bundle,
    risk: RiskClass,
    *,
    leaves: npt.NDArray[np.int64] | None = None,
) -> Judgement:
    if not math.isfinite(ratio):
        return Judgement(values, math.nan, math.nan, None)
    return Judgement(
        values=values,
        ratio_bits=ratio,
        misfire_probability=misfire_probability(ratio, bundle.policy.base_rate),
        rank=bundle.calibration.rank(
            (risk, moment.household.learned < NEW_HOUSEHOLD_SESSIONS),
            ratio,
            bundle.policy.classes[risk].budget,
        ),
        leaves=leaves,
    )


def rule_on(
    moment: Moment,
    judgement: Judgement,
    bundle: Bundle,
    risk: RiskClass,
    *,
    classified: Classified | None = None,
    rung: Rung = Rung.WORKER,
    over_budget: bool = False,
) -> Ruling:
    """Turn a judgement into a verdict.

    The verdict is the one of least expected cost, unless interrupting would exceed the class's
    budget of false interruptions. If the judge cannot decide, the policy's fallback applies and the
    ruling is marked as abstained.

    A chain that was not confirmed is not allowed; a spoken "yes" in the same session does not
    confirm it. After a no, the command can start anew and is judged on its own. An unclassified
    command, or a physical command that is new in its household, needs at least a confirmation
    whatever the budget. A command beyond its household's limit is marked; one that may do harm also
    needs a confirmation.

    Args:
        moment: the household and session at the committing event.
        judgement: the judge's result.
        bundle: the bundle that decides.
        risk: risk class of the command.
        classified: the class of its intent, if a rule may have given it; default: the policy's.
        rung: the rung that answers.
        over_budget: whether the block budget is exhausted; blocks then become confirms.
    """
    if _is_new_and_harmful(moment, bundle, risk):
        text = (
            f"Too few households in the training data have used {moment.event.intent}, and this "
            "household has not."
        )
        ruling = _abstain(moment, bundle, risk, "unknown_intent", text)
    elif judgement.failed:
        text = "The judge's result is not a number."
        ruling = _abstain(moment, bundle, risk, "judge_failed", text)
    elif judgement.rank is None:
        text = f"Too few {risk} commands are available for calibration."
        ruling = _abstain(moment, bundle, risk, "too_little_calibration", text)
    elif not judgement.rank.unusual:
        ruling = Ruling(Verdict.ALLOW)
    else:
        asked = recent_questions(moment.household, moment.session.seconds, bundle.policy)
        verdict = bundle.policy.rule(
            risk,
            judgement.misfire_probability,
            asked=asked,
            harm=bundle.policy.harm_of(moment.event.intent, risk),
        ).verdict
        ruling = Ruling(verdict)
    found = classified or bundle.classify(moment.event.intent)
    held = _asked(moment, _held_back(moment, ruling, bundle, risk), bundle, found, rung)
    held = _limited(moment, held, bundle, risk)
    return _softened(moment, held, bundle, risk) if over_budget else held


def _asked(
    moment: Moment, ruling: Ruling, bundle: Bundle, classified: Classified, rung: Rung
) -> Ruling:
    """Require a confirmation of a command that is unclassified or new in the household.

    The reason for an unclassified intent is added whatever the verdict.
    """
    event, risk = moment.event, classified.risk
    first = why_first_physical(event, moment.household, risk, rung, at=moment.session.seconds)
    if rung is Rung.WORKER and not bundle.policy.asks_first(event.intent):
        first = None
    reasons = [first] if first is not None and ruling.verdict is Verdict.ALLOW else []
    unnamed = why_unclassified(event, classified)
    reasons += [unnamed] if unnamed is not None else []
    if not reasons:
        return ruling
    return Ruling(
        bundle.policy.at_least_confirm(risk, ruling.verdict),
        ruling.abstained,
        (*ruling.reasons, *reasons),
    )


def _limited(moment: Moment, ruling: Ruling, bundle: Bundle, risk: RiskClass) -> Ruling:
    """Mark a command beyond its household's limit; one that may do harm needs a confirmation."""
    reason = why_over_limit(moment.event, moment.household, at=moment.session.seconds)
    if reason is None:
        return ruling
    verdict = (
        ruling.verdict if risk in MILD else bundle.policy.at_least_confirm(risk, ruling.verdict)
    )
    return Ruling(verdict, ruling.abstained, (*ruling.reasons, reason))


def _standing(moment: Moment, pending: Pending) -> Standing:
    """Return a command's standing; a label that calls it a misfire counts as an undo."""
    misfire = is_misfire(moment.household, pending.event_id)
    return Standing.UNDONE if misfire else pending.standing


def _stopped_by_rule(moment: Moment, pending: Pending) -> bool:
    """Return whether the model had allowed a command, and a rule stopped it.

    Without the rule, the command is judged like any other.
    """
    return any(
        decision.event_id == pending.event_id and decision.model_verdict is Verdict.ALLOW
        for decision in moment.household.recent
    )


def _is_new_and_harmful(moment: Moment, bundle: Bundle, risk: RiskClass) -> bool:
    """Return whether neither the model nor the household knows a command that may do harm.

    A household's own use of an intent is a basis for a judgement even if the model has none.
    """
    intent, at = moment.event.intent, moment.session.seconds
    return (
        risk not in MILD
        and not bundle.model.vocabulary.knows_intent(intent)
        and not is_familiar(moment.household, intent, at)
    )


def _abstain(moment: Moment, bundle: Bundle, risk: RiskClass, code: str, text: str) -> Ruling:
    fallback = bundle.policy.classes[risk].fallback
    reason = Reason(
        code=code,
        event_id=moment.event.event_id,
        bits=0.0,
        text=f"{text} The policy's fallback applies.",
    )
    return Ruling(fallback, abstained=True, reasons=(reason,))


def _softened(moment: Moment, ruling: Ruling, bundle: Bundle, risk: RiskClass) -> Ruling:
    """Replace a block by a confirm, if the class has confirmation methods."""
    if ruling.verdict is not Verdict.BLOCK or not bundle.policy.classes[risk].methods:
        return ruling
    text = "The block budget is exhausted, so this command needs confirmation rather than a block."
    reason = Reason(code="block_budget", event_id=moment.event.event_id, bits=0.0, text=text)
    return Ruling(Verdict.CONFIRM, ruling.abstained, (reason, *ruling.reasons))


def _held_back(moment: Moment, ruling: Ruling, bundle: Bundle, risk: RiskClass) -> Ruling:
    """Withhold an allow from a command that was not confirmed here.

    A command that does not start anew may continue a conversation that had the same id and ended,
    because "right" on its own says nothing.
    """
    event, here = moment.event, moment.session.session_id
    anew = moment.chain.act == Act.INITIATE
    held = any(
        (
            pending.session_id == here
            if anew
            else runtime_session_id(pending.session_id) == runtime_session_id(here)
        )
        and pending.intent == event.intent
        and _standing(moment, pending) not in (MEANT | _BEGUN_ANEW if anew else MEANT)
        and not _stopped_by_rule(moment, pending)
        for pending in moment.household.pending
    )
    if not held or ruling.verdict is not Verdict.ALLOW:
        return ruling
    text = (
        f"{event.intent} was not confirmed in this conversation. "
        "Repeating the command does not confirm it."
    )
    reason = Reason(code="awaiting_confirmation", event_id=event.event_id, bits=0.0, text=text)
    return Ruling(
        bundle.policy.at_least_confirm(risk, ruling.verdict),
        ruling.abstained,
        (*ruling.reasons, reason),
    )
