"""A chain that is most likely a misfire, with everything that a person needs to judge it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detector.contracts.decisions import Expected, Reason, RiskClass, Verdict
from detector.decision.bundle import Bundle
from detector.decision.reasons import expected_instead, reasons_for
from detector.decision.verdict import Judgement, Ruling, judge_chain
from detector.evaluation.scan.later import Later
from detector.population.model import Model

__all__ = ["Afterwards", "Candidate", "Finding", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a chain and its surprisal in bits; higher is rarer.

    ``act`` is ``unknown`` if the bundle does not know the intent with that act.
    """

    intent: str
    act: str
    bits: float


@dataclass(frozen=True, slots=True)
class Afterwards:
    """The judgement of a chain with what came before it and after it (``later.py``).

    ``sessions`` is the number of later sessions that were learned from. The other fields are as in
    ``Finding``.
    """

    sessions: int
    ratio_bits: float
    misfire_probability: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A chain that is most likely a misfire.

    Everything but ``afterwards`` is based on what came before the command, as in a live decision.
    ``rank_bits`` orders the findings: the mean of both ratios, or the only one.
    ``ratio_bits`` is the log-likelihood ratio of misfire to meant, in bits. ``p_value`` is the
    share of meant commands of the risk class that are at least as unusual, by the bundle's
    calibration, or ``None`` if that has too little data. ``verdict`` is what the bundle would have
    decided, and ``abstained`` means that the policy's fallback decided.
    """

    household_id: str
    session_id: str
    event_id: str
    time: datetime
    intent: str
    risk_class: RiskClass
    verdict: Verdict
    abstained: bool
    ratio_bits: float
    misfire_probability: float
    p_value: float | None
    steps: tuple[Step, ...]
    expected: tuple[Expected, ...]
    reasons: tuple[Reason, ...]
    afterwards: Afterwards | None

    @property
    def rank_bits(self) -> float:
        """The mean of the log-likelihood ratios before and after, in bits."""
        after = self.ratio_bits if self.afterwards is None else self.afterwards.ratio_bits
        return (self.ratio_bits + after) / 2.0


@dataclass(slots=True, eq=False)
class Candidate:
    """A judged command that may become a finding."""

    later: Later
    judgement: Judgement
    ruling: Ruling
    risk: RiskClass

    def finding(self, bundle: Bundle) -> Finding:
        """Return the finding with its explanation."""
        moment, judged, model = self.later.moment, self.judgement, bundle.model
        session, bits = moment.session, moment.chain.bits
        acts = [moment.event.act.value, *(_act(model, each) for each in session.symbols[-2::-1])]
        steps = zip(session.intents[::-1], acts, bits[::-1], strict=False)
        contributions = judged.contributions(bundle.judge)
        return Finding(
            household_id=moment.event.household_id,
            session_id=moment.event.session_id,
            event_id=moment.event.event_id,
            time=moment.event.time,
            intent=moment.event.intent,
            risk_class=self.risk,
            verdict=self.ruling.verdict,
            abstained=self.ruling.abstained,
            ratio_bits=round(judged.ratio_bits, 4),
            misfire_probability=round(judged.misfire_probability, 6),
            p_value=None if judged.p_value is None else round(judged.p_value, 6),
            steps=tuple(Step(intent, act, round(found, 3)) for intent, act, found in steps)[::-1],
            expected=expected_instead(model, session, bits),
            reasons=(*self.ruling.reasons, *reasons_for(moment, judged.values, contributions)),
            afterwards=self._afterwards(bundle),
        )

    def _afterwards(self, bundle: Bundle) -> Afterwards | None:
        moment, sessions = self.later.moment_afterwards(bundle)
        judged = judge_chain(moment, bundle, self.risk)
        if judged.failed or not sessions:
            return None
        return Afterwards(
            sessions, round(judged.ratio_bits, 4), round(judged.misfire_probability, 6)
        )


def _act(model: Model, symbol: int) -> str:
    return model.vocabulary.symbols[symbol][1] if symbol < model.vocabulary.unseen else "unknown"
