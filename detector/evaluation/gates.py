"""Gates before a bundle may decide: each passes, fails, or could not be checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binom  # type: ignore[import-untyped]

from detector.contracts.decisions import Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.training_report import OURS
from detector.evaluation.live_evidence import LiveEvidence
from detector.evaluation.playing import play

__all__ = ["GATES", "Gate", "Regression", "gates", "regression"]

#: The names of the gates, in their order.
GATES = ("data", "calibration", "cost", "budget", "drift", "golden", "workers")
#: Fewest households and commands in the training data. A judge of fewer households has not seen
#: how households differ; the starter bundle has 94 and 8,491.
FEWEST_HOUSEHOLDS, FEWEST_COMMANDS = 20, 1_000
#: Fewest recent commands from which interruptions and drift are measured: at a budget of 1 %, five
#: interruptions are expected.
FEWEST_RECENT = 500
#: The probability below which more interruptions than the budget allows are not chance.
_CHANCE = 0.01
#: Stability index above which a distribution has drifted (Siddiqi 2006, see ``evidence/drift.py``).
DRIFTED = 0.25
#: How many names a sentence lists.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Gate:
    """The result of a gate; ``passed`` is ``None`` if it could not be checked."""

    name: str
    passed: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Regression:
    """Golden chains: how many there are, and the events that the candidate decides worse."""

    chains: int
    worse: tuple[str, ...]


def regression(
    events: Sequence[IntentEvent], misfires: Collection[str], active: Bundle, candidate: Bundle
) -> Regression:
    """Compare two bundles on golden chains.

    A command is decided worse if the candidate allows a misfire that the active bundle stops, or
    interrupts a meant command that the active bundle allows.
    """
    chains, worse = 0, []
    pairs = zip(play(events, active, misfires), play(events, candidate, misfires), strict=True)
    for (event, ours), (_, theirs) in pairs:
        if not event.commits:
            continue
        chains += 1
        wanted = event.event_id not in misfires
        right = [(each.verdict is Verdict.ALLOW) == wanted for each in (ours, theirs)]
        if right == [True, False]:
            worse.append(event.event_id)
    return Regression(chains, tuple(worse))


def gates(
    candidate: Bundle, recent: LiveEvidence | None, golden: Regression | None
) -> tuple[Gate, ...]:
    """Return the result of every gate that needs no worker.

    Args:
        candidate: the bundle that is to decide.
        recent: its decisions on the recent log; ``None`` if there is no log.
        golden: its decisions on golden chains; ``None`` if none are configured.
    """
    return (
        _data(candidate, recent),
        _calibration(candidate),
        _cost(candidate),
        _budget(candidate, recent),
        _drift(recent),
        _golden(golden),
    )


def _data(candidate: Bundle, recent: LiveEvidence | None) -> Gate:
    data = candidate.report.data
    too_little = []
    if data.households < FEWEST_HOUSEHOLDS or data.commands < FEWEST_COMMANDS:
        too_little.append(
            f"it was trained on {data.commands:,} commands of {data.households:,} households; "
            f"{FEWEST_COMMANDS:,} of {FEWEST_HOUSEHOLDS} are needed"
        )
    seen = 0 if recent is None else recent.commands
    if seen < FEWEST_RECENT:
        too_little.append(f"the recent log has {seen:,} commands; {FEWEST_RECENT:,} are needed")
    enough = (
        f"trained on {data.commands:,} commands of {data.households:,} households, "
        f"tried on {seen:,} recent commands"
    )
    return Gate("data", not too_little, "; ".join(too_little) or enough)


def _calibration(candidate: Bundle) -> Gate:
    silent = [str(each) for each in candidate.report.thin if each.promised is None]
    return Gate(
        "calibration",
        not silent,
        "; ".join(silent) or "every risk class has enough scores to decide by its budget",
    )


def _cost(candidate: Bundle) -> Gate:
    costs = candidate.report.readiness.overall
    cheaper = candidate.report.readiness.cheaper
    listed = ", ".join(f"{costs[name]:.1f} by the rule '{name}'" for name in cheaper or costs)
    if cheaper:
        text = f"1,000 commands cost {costs[OURS]:.1f} by its decisions, but {listed}"
    else:
        text = f"1,000 commands cost {costs[OURS]:.1f} by its decisions, no more than by a rule"
    return Gate("cost", not cheaper, text)


def _budget(candidate: Bundle, recent: LiveEvidence | None) -> Gate:
    """Fail if more is interrupted than the budget allows, and more than by the active bundle."""
    if recent is None or recent.commands < FEWEST_RECENT:
        return Gate("budget", None, "there are too few recent commands to count interruptions")
    over = []
    for risk, (interrupted, commands) in sorted(recent.interrupted.items()):
        budget = candidate.policy.classes[risk].budget
        by_chance = float(binom.sf(interrupted - 1, commands, budget)) if interrupted else 1.0
        if by_chance < _CHANCE and interrupted > recent.active_interrupted.get(risk, 0):
            over.append(
                f"{risk}: {interrupted:,} of {commands:,} recent commands interrupted "
                f"({interrupted / commands:.2%}), the budget is {budget:.2%} and the active bundle "
                f"interrupts {recent.active_interrupted.get(risk, 0):,}"
            )
    return Gate(
        "budget", not over, "; ".join(over) or "it interrupts no more recent commands than allowed"
    )


def _drift(recent: LiveEvidence | None) -> Gate:
    """Fail if recent evidence has drifted from the training data, more than for the active bundle.

    Both bundles begin the recent log without the households' habits, which shifts some terms.
    """
    if recent is None or recent.drift is None or recent.commands < FEWEST_RECENT:
        why = "the bundle has no training distribution or there are too few recent commands"
        return Gate("drift", None, why)
    active = recent.active_drift or {}
    drifted = _largest(
        {
            name: index
            for name, index in recent.drift.items()
            if index > max(DRIFTED, active.get(name, 0.0))
        }
    )
    text = ", ".join(f"{name} {index:.2f}" for name, index in drifted.items())
    return Gate(
        "drift",
        not drifted,
        f"recent evidence is not that of the training data: stability index {text}"
        if drifted
        else f"no evidence term drifts beyond {DRIFTED} and beyond the active bundle's drift",
    )


def _largest(indices: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(indices.items(), key=lambda item: -item[1])[:_NAMED])


def _golden(golden: Regression | None) -> Gate:
    if golden is None:
        return Gate("golden", None, "no golden chains are configured (golden_chains)")
    worse = ", ".join(golden.worse[:_NAMED])
    return Gate(
        "golden",
        not golden.worse,
        f"it decides {len(golden.worse)} of {golden.chains} golden commands worse than the active "
        f"bundle: {worse}"
        if golden.worse
        else f"it decides all {golden.chains} golden commands at least as well",
    )
