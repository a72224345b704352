"""Comparing two bundles on one stream: where they disagree, and which one costs less."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision, RiskClass
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.costs import decision_cost
from detector.evaluation.disagreements import Disagreement, Disagreements
from detector.evaluation.household_bootstrap import Interval, interval, resampled_totals
from detector.evaluation.playing import play
from detector.household.conversations import with_conversations
from detector.progress import Progress, silent

__all__ = ["FEWEST_HOUSEHOLDS", "Comparison", "compare"]

#: Households that a bootstrap needs at least.
FEWEST_HOUSEHOLDS = 2

Floats = npt.NDArray[np.float64]


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
    differing = Disagreements(examples)
    for event, chain, ours, theirs in _decided(events, first, second, misfires, progress):
        pairs.append((event, ours, theirs))
        if ours.verdict is not theirs.verdict:
            label = None if misfires is None else event.event_id in truth
            differing.add(Disagreement.of(ours, theirs, chain, label))
    names = sorted({event.household_id for event, _, _ in pairs})
    if len(names) < FEWEST_HOUSEHOLDS:
        raise NotEnoughData(
            f"a comparison needs commands of at least {FEWEST_HOUSEHOLDS} households; the stream "
            f"has {len(names)}"
        )
    costs = _costs(pairs, names, truth, first, seed)
    return Comparison(
        versions=(first.version, second.version),
        households=len(names),
        commands=len(pairs),
        misfires=sum(event.event_id in truth for event, _, _ in pairs),
        disagreements=differing.counts,
        examples=differing.examples,
        costs=(interval(costs[0]), interval(costs[1])),
        difference=interval(costs[1] - costs[0]),
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
    totals = resampled_totals(np.hstack([*sums]), seed).reshape(-1, 2, 3)
    base_rate = first.policy.base_rate if sums[1, :, 0].any() else 0.0
    costs = np.zeros((2, len(totals)))
    for kind, weight in enumerate((1.0 - base_rate, base_rate)):
        found = totals[:, kind]
        costs += 1000.0 * weight * (found[:, 1:] / np.maximum(found[:, :1], 1.0)).T
    return costs
