"""Comparing two bundles on one stream: where they disagree, and which one costs less.

Confidence intervals come from the bootstrap (Efron 1979, Ann. Statist. 7) over households, because
commands of one household are not independent (cluster bootstrap; Davison & Hinkley 1997, 3.8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.costs import decision_cost
from detector.evaluation.playing import play
from detector.household.conversations import with_conversations
from detector.progress import Progress, silent

__all__ = ["Comparison", "Disagreement", "Interval", "compare"]

_RESAMPLES = 2_000
#: Percentiles of a 95 % interval.
_LOW, _HIGH = 2.5, 97.5
_FEWEST_HOUSEHOLDS = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A command with two verdicts.

    Attributes:
        event_id: the command.
        intent: its intent.
        risk_class: the class of the intent under the first bundle.
        verdicts: the verdicts of the first and the second bundle.
        probabilities: their misfire probabilities.
        reasons: the first reason of each.
        chain: the turns of the conversation up to the command, as ``intent, act``.
        misfire: the label, or ``None`` if the stream has no labels.
    """

    event_id: str
    intent: str
    risk_class: RiskClass
    verdicts: tuple[Verdict, Verdict]
    probabilities: tuple[float | None, float | None]
    reasons: tuple[str, str]
    chain: tuple[str, ...]
    misfire: bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The report of ``misfire bundle compare``.

    Costs are per 1,000 commands in the first bundle's policy, at its base rate if there are
    misfires, and of interruptions alone otherwise; lower is better.

    Attributes:
        versions: the versions of the two bundles.
        households: number of households.
        commands: number of committing events.
        misfires: number of labelled misfires.
        disagreements: by risk class, the number of commands by both verdicts, where they differ.
        examples: disagreements to read, those with the most different probabilities first.
        costs: the cost of each bundle.
        difference: the cost of the second bundle less that of the first.
    """

    versions: tuple[str, str]
    households: int
    commands: int
    misfires: int
    disagreements: Mapping[RiskClass, Mapping[str, int]]
    examples: tuple[Disagreement, ...]
    costs: tuple[Interval, Interval]
    difference: Interval

    @property
    def verdict(self) -> str:
        """Which bundle costs less, if the interval of the difference shows it."""
        if self.difference.high < 0.0:
            return "the second bundle costs less"
        if self.difference.low > 0.0:
            return "the first bundle costs less"
        return "neither bundle is shown to cost less"


def compare(
    events: Sequence[IntentEvent],
    first: Bundle,
    second: Bundle,
    misfires: Collection[str] | None = None,
    *,
    examples: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Let two bundles decide on every event of a stream, each as if it were the active one.

    Args:
        events: the stream.
        first: the bundle in use; its policy defines the costs.
        second: the candidate.
        misfires: ids of the events that were not meant; ``None`` counts every command as meant.
        examples: number of disagreements to keep.
        seed: seed of the bootstrap.
        progress: called with (stage, done, total).

    Raises:
        NotEnoughData: the commands are of fewer than two households.
    """
    truth = frozenset(misfires or ())
    pairs: list[tuple[IntentEvent, Decision, Decision]] = []
    differing: list[Disagreement] = []
    for event, chain, ours, theirs in _decided(events, first, second, misfires, progress):
        pairs.append((event, ours, theirs))
        if ours.verdict is not theirs.verdict:
            label = None if misfires is None else event.event_id in truth
            differing.append(_disagreement(ours, theirs, chain, label))
    names = sorted({event.household_id for event, _, _ in pairs})
    if len(names) < _FEWEST_HOUSEHOLDS:
        raise NotEnoughData(
            f"a comparison needs commands of at least {_FEWEST_HOUSEHOLDS} households; the stream "
            f"has {len(names)}"
        )
    counts: dict[RiskClass, Counter[str]] = {}
    for each in differing:
        found = counts.setdefault(each.risk_class, Counter())
        found[" -> ".join(each.verdicts)] += 1
    costs = _costs(pairs, names, truth, first, seed)
    return Comparison(
        versions=(first.version, second.version),
        households=len(names),
        commands=len(pairs),
        misfires=sum(event.event_id in truth for event, _, _ in pairs),
        disagreements={risk: dict(sorted(counts[risk].items())) for risk in sorted(counts)},
        examples=tuple(sorted(differing, key=_difference, reverse=True)[:examples]),
        costs=(_interval(costs[0]), _interval(costs[1])),
        difference=_interval(costs[1] - costs[0]),
    )


def _decided(
    events: Sequence[IntentEvent],
    first: Bundle,
    second: Bundle,
    misfires: Collection[str] | None,
    progress: Progress,
) -> Iterator[tuple[IntentEvent, tuple[str, ...], Decision, Decision]]:
    """Yield each command with its chain and both decisions."""
    # Without labels every command counts as meant, so that the households learn.
    known = () if misfires is None else misfires
    chains: dict[str, tuple[object, list[str]]] = {}
    played = zip(
        play(events, first, known),
        play(events, second, known),
        with_conversations(events, first.policy.conversations),
        strict=True,
    )
    for number, ((event, ours), (_, theirs), (_, conversation)) in enumerate(played):
        if number % 256 == 0:
            progress("deciding", number, len(events))
        before = chains.get(event.household_id)
        turns = before[1] if before and before[0] == conversation else []
        turns.append(f"{event.intent}, {event.act}")
        chains[event.household_id] = conversation, turns
        if event.commits:
            yield event, tuple(turns), ours, theirs
    progress("deciding", len(events), len(events))


def _disagreement(
    ours: Decision, theirs: Decision, chain: tuple[str, ...], misfire: bool | None
) -> Disagreement:
    return Disagreement(
        event_id=ours.event_id,
        intent=ours.intent,
        risk_class=ours.risk_class,
        verdicts=(ours.verdict, theirs.verdict),
        probabilities=(ours.misfire_probability, theirs.misfire_probability),
        reasons=(_reason(ours), _reason(theirs)),
        chain=chain,
        misfire=misfire,
    )


def _reason(decision: Decision) -> str:
    return decision.reasons[0].text if decision.reasons else ""


def _difference(found: Disagreement) -> tuple[float, str]:
    one, other = (each or 0.0 for each in found.probabilities)
    return abs(one - other), found.event_id


def _costs(
    pairs: Sequence[tuple[IntentEvent, Decision, Decision]],
    names: Sequence[str],
    misfires: Collection[str],
    first: Bundle,
    seed: int,
) -> Floats:
    """Return (2, 1 + resamples) costs per 1,000 commands: of all households, and of resamples."""
    places = {name: place for place, name in enumerate(names)}
    # By household: the number of commands and the cost of each bundle, meant ones and misfires.
    sums = np.zeros((2, len(names), 3))
    for event, *decisions in pairs:
        misfire = event.event_id in misfires
        sums[int(misfire), places[event.household_id]] += [
            1.0,
            *(decision_cost(first.policy, each, misfire=misfire) for each in decisions),
        ]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=_RESAMPLES)
    times = np.concatenate([np.ones((1, len(names))), drawn])
    base_rate = first.policy.base_rate if sums[1, :, 0].any() else 0.0
    costs = np.zeros((2, len(times)))
    for kind, weight in enumerate((1.0 - base_rate, base_rate)):
        found = times @ sums[kind]
        costs += 1000.0 * weight * (found[:, 1:] / np.maximum(found[:, :1], 1.0)).T
    return costs


def _interval(costs: Floats) -> Interval:
    low, high = np.percentile(costs[1:], (_LOW, _HIGH))
    return Interval(round(float(costs[0]), 3), round(float(low), 3), round(float(high), 3))
