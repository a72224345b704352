"""Whether a bundle's decisions pay: their cost on held-out chains, beside rules without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from detector.contracts.decisions import MILD, RiskClass, Verdict
from detector.decision.training_report import OURS, Readiness
from detector.judge.calibration import Calibration, Category
from detector.judge.judge import misfire_probability
from detector.policy.policy import Policy

__all__ = ["HeldOut", "readiness_of"]

_RULES: Mapping[str, Callable[[bool], Verdict]] = {
    "always allow": lambda _: Verdict.ALLOW,
    "ask about every harmful command": lambda harmful: (
        Verdict.CONFIRM if harmful else Verdict.ALLOW
    ),
}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A chain that the judge has not seen.

    Attributes:
        category: its calibration category.
        ratio_bits: the judge's log-likelihood ratio in bits; higher speaks for a misfire.
        misfire: whether it is a misfire.
        harm: the cost of running it if it is.
    """

    category: Category
    ratio_bits: float
    misfire: bool
    harm: float


def readiness_of(chains: Iterable[HeldOut], calibration: Calibration, policy: Policy) -> Readiness:
    """Return the costs of deciding on held-out chains, with at least one meant chain."""
    costs: dict[RiskClass, list[tuple[bool, dict[str, float]]]] = {}
    for chain in chains:
        found = chain.misfire, _costs(chain, calibration, policy)
        costs.setdefault(chain.category[0], []).append(found)
    return Readiness(
        _per_thousand([each for found in costs.values() for each in found], policy.base_rate),
        {risk: _per_thousand(costs[risk], policy.base_rate) for risk in sorted(costs)},
    )


def _costs(chain: HeldOut, calibration: Calibration, policy: Policy) -> dict[str, float]:
    """Return the cost of each rule's verdict on a chain."""
    risk = chain.category[0]
    ruling = policy.rule(
        risk, misfire_probability(chain.ratio_bits, policy.base_rate), harm=chain.harm
    )
    rank = calibration.rank(chain.category, chain.ratio_bits, policy.classes[risk].budget)
    if rank is None:
        verdict = policy.classes[risk].fallback
    else:
        verdict = ruling.verdict if rank.unusual else Verdict.ALLOW
    usual = policy.methods_for(risk, policy.base_rate)
    verdicts = {name: (rule(risk not in MILD), usual) for name, rule in _RULES.items()}
    verdicts[OURS] = verdict, ruling.methods
    return {
        name: policy.cost(risk, verdict, misfire=chain.misfire, methods=methods, harm=chain.harm)
        for name, (verdict, methods) in verdicts.items()
    }


def _per_thousand(
    costs: Sequence[tuple[bool, Mapping[str, float]]], base_rate: float
) -> dict[str, float]:
    """Return the cost of 1,000 commands, given (misfire, costs by rule) of single ones."""
    misfires = sum(misfire for misfire, _ in costs)
    weights = {
        True: base_rate / max(misfires, 1),
        False: (1.0 - base_rate) / max(len(costs) - misfires, 1),
    }
    return {
        name: 1000.0 * sum(weights[misfire] * each[name] for misfire, each in costs)
        for name in (OURS, *_RULES)
    }
