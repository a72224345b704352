"""Whether a bundle's decisions pay: their cost on held-out chains, beside rules without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from detector.contracts.decisions import MILD, RiskClass, Verdict
from detector.judge.calibration import Calibration, Category
from detector.judge.judge import misfire_probability
from detector.policy.policy import Policy

__all__ = ["OURS", "HeldOut", "Readiness", "readiness_of"]

OURS = "misfire"
_RULES: Mapping[str, Callable[[bool], Verdict]] = {
    "always allow": lambda _: Verdict.ALLOW,
    "ask about every harmful command": lambda harmful: (
        Verdict.CONFIRM if harmful else Verdict.ALLOW
    ),
}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A chain that the judge has not seen: its category, ratio in bits, and whether it is one."""

    category: Category
    ratio_bits: float
    misfire: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Cost per 1,000 commands at the policy's base rate, by decision rule; lower is better.

    ``by_class`` has the costs of the chains of each risk class, per 1,000 commands of that class.
    The misfires are simulated. Rules of the household, such as the question about the first use of
    a physical command, are not part of it.
    """

    overall: Mapping[str, float]
    by_class: Mapping[RiskClass, Mapping[str, float]]

    @property
    def may_enforce(self) -> bool:
        """Whether the decisions cost at most as much as each rule without a model."""
        return all(self.overall[OURS] <= cost for cost in self.overall.values())


def readiness_of(chains: Iterable[HeldOut], calibration: Calibration, policy: Policy) -> Readiness:
    """Return the costs of deciding on held-out chains, with at least one meant chain."""
    chains = list(chains)
    risks = sorted({chain.category[0] for chain in chains})
    return Readiness(
        _costs(chains, calibration, policy),
        {
            risk: _costs([each for each in chains if each.category[0] is risk], calibration, policy)
            for risk in risks
        },
    )


def _costs(chains: list[HeldOut], calibration: Calibration, policy: Policy) -> dict[str, float]:
    misfires = sum(chain.misfire for chain in chains)
    weight = {
        True: policy.base_rate / max(misfires, 1),
        False: (1.0 - policy.base_rate) / max(len(chains) - misfires, 1),
    }
    costs = dict.fromkeys((OURS, *_RULES), 0.0)
    for chain in chains:
        risk, each = chain.category[0], 1000.0 * weight[chain.misfire]
        probability = misfire_probability(chain.ratio_bits, policy.base_rate)
        ruling = policy.rule(risk, probability)
        rank = calibration.rank(chain.category, chain.ratio_bits, policy.classes[risk].budget)
        if rank is None:
            verdict = policy.classes[risk].fallback
        else:
            verdict = ruling.verdict if rank.unusual else Verdict.ALLOW
        costs[OURS] += each * policy.cost(
            risk, verdict, misfire=chain.misfire, methods=ruling.methods
        )
        usual = policy.methods_for(risk, policy.base_rate)
        for name, rule in _RULES.items():
            costs[name] += each * policy.cost(
                risk, rule(risk not in MILD), misfire=chain.misfire, methods=usual
            )
    return costs
