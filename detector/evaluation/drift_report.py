"""How far current commands are from what a bundle was trained on, and whether to train again.

Evidence, the mix of domains and the hours are compared by the population stability index
(``evidence/drift.py``). New intents are counted, because skills are added every day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from detector.contracts.events import IntentEvent, domain_of
from detector.decision.bundle import Bundle
from detector.evidence.drift import BINS, stability_index
from detector.population.base_rates import PARTS_OF_DAY, part_of_day

__all__ = ["DRIFT", "FEWEST_COMMANDS", "Drift", "DriftCounter", "drift_of_commands"]

#: An index above this is drift (``evidence/drift.py``).
DRIFT = 0.25
#: Commands that a comparison needs. Without drift, an index of 11 bins is then 0.02 on average:
#: bins less one, divided by the number of commands.
FEWEST_COMMANDS = 500
#: Households that training must have used before evidence is compared, and the share of the terms
#: that must have drifted to be a reason. The training distribution comes from models of the other
#: households. Where a term has few distinct values, those of the bundle's own model can lie in
#: other bins: without any drift, 17 of 83 terms are above ``DRIFT`` with 24 simulated households,
#: and 9 of 83 with 100.
_FEWEST_HOUSEHOLDS, _DRIFTED_SHARE = 100, 0.25
#: Share of commands with an intent that the model does not know, from which on to train again: the
#: tightest budget of false interruptions in the packaged policy.
_MOST_UNKNOWN = 0.005
#: Days between a date and the nearest one in the training data, in any year, from which on the
#: season counts as unknown: half of one.
_SEASON_DAYS = 45
_YEAR_DAYS = 365.25
_MOST_NAMED = 5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Current commands beside the training data of a bundle.

    Attributes:
        commands: number of commands in the comparison.
        events: number of events.
        evidence: the stability index of each evidence term; ``{}`` without a training distribution,
            with too few households in it, or with fewer than ``FEWEST_COMMANDS``.
        domains: the index of the mix of domains of known commands; ``None`` if it was not
            compared, for lack of commands now or in the training data.
        hours: the index of their hours, given the intents; ``None`` likewise.
        unknown: number of commands whose intent the bundle does not know.
        new_intents: number of these commands by intent, the most frequent first.
        season_days: days between the end of the period and the nearest date of any year in the
            training data; ``None`` if the report states no dates.
    """

    commands: int
    events: int
    evidence: Mapping[str, float]
    domains: float | None
    hours: float | None
    unknown: int
    new_intents: Mapping[str, int]
    season_days: float | None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the bundle should be trained again, one phrase each; none if it need not be."""
        if self.commands < FEWEST_COMMANDS:
            return ()
        found = []
        drifted = [name for name, index in self.evidence.items() if index > DRIFT]
        if len(drifted) > _DRIFTED_SHARE * len(self.evidence):
            worst = sorted(drifted, key=lambda name: -self.evidence[name])[:_MOST_NAMED]
            listed = ", ".join(f"{name} {self.evidence[name]:.2f}" for name in worst)
            found.append(
                f"{len(drifted)} of {len(self.evidence)} evidence terms have drifted "
                f"(stability index above {DRIFT}: {listed})"
            )
        if self.unknown > _MOST_UNKNOWN * self.commands:
            listed = ", ".join([*self.new_intents][:_MOST_NAMED])
            found.append(
                f"{self.unknown / self.commands:.1%} of the commands have one of "
                f"{len(self.new_intents)} intents that the bundle does not know ({listed})"
            )
        for name, index in (("mix of domains", self.domains), ("hours of use", self.hours)):
            if index is not None and index > DRIFT:
                found.append(f"the {name} has a stability index of {index:.2f}")
        if self.season_days is not None and self.season_days > _SEASON_DAYS:
            found.append(
                f"the training data has nothing within {self.season_days:.0f} days of this season"
            )
        return tuple(found)


@dataclass(slots=True)
class DriftCounter:
    """Counts current events and the evidence of commands.

    Attributes:
        bundle: the bundle whose training data they are compared with.
        events: number of events.
    """

    bundle: Bundle
    events: int = 0
    _evidence: npt.NDArray[np.int64] = field(init=False)
    _intents: Counter[str] = field(default_factory=Counter)
    #: Number of known commands by intent, and by part of the day.
    _known: Counter[str] = field(default_factory=Counter)
    _hours: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(PARTS_OF_DAY, dtype=np.int64)
    )

    def __post_init__(self) -> None:
        terms = len(self.bundle.judge.names)
        self._evidence = np.zeros((terms, BINS + 1), dtype=np.int64)

    def add(self, event: IntentEvent, values: Floats | None) -> None:
        """Count an event, and the evidence of a command; ``None`` if it was not judged."""
        self.events += 1
        if not event.commits:
            return
        self._intents[event.intent] += 1
        if event.intent in self.bundle.model.population.day:
            self._known[event.intent] += 1
            self._hours[part_of_day(event.local_seconds)] += 1
        if values is not None and self.bundle.training is not None:
            bins = self.bundle.training.bins(values)
            self._evidence[np.arange(len(bins)), bins] += 1

    def result(self, now: datetime) -> Drift:
        """Return the comparison; ``now`` is the end of the period."""
        drift = drift_of_commands(self.bundle, self._intents, self._evidence, now)
        enough = _enough_training(self.bundle) and self._known.total() >= FEWEST_COMMANDS
        return replace(drift, events=self.events, hours=self._hours_drift() if enough else None)

    def _hours_drift(self) -> float:
        """Compare the hours of commands with those that the same intents had in training."""
        day = self.bundle.model.population.day
        expected = np.zeros(PARTS_OF_DAY)
        for intent, count in self._known.items():
            expected += count * np.array(day[intent])
        return round(
            float(stability_index(expected / expected.sum(), self._hours.astype(float))), 4
        )


def drift_of_commands(
    bundle: Bundle, intents: Mapping[str, int], evidence: npt.NDArray[np.int64], now: datetime
) -> Drift:
    """Compare commands that were only counted, without their events.

    Args:
        bundle: the bundle whose training data they are compared with.
        intents: number of commands by intent.
        evidence: (T, BINS + 1) number of commands by evidence term and bin; they may be others.
        now: the end of the period.
    """
    commands = sum(intents.values())
    unknown = Counter(
        {
            intent: number
            for intent, number in intents.items()
            if not bundle.model.vocabulary.knows_intent(intent)
        }
    )
    enough = commands >= FEWEST_COMMANDS and _enough_training(bundle)
    expected = _by_domain(bundle.model.population.committing)
    known = {intent: number for intent, number in intents.items() if intent not in unknown}
    return Drift(
        commands=commands,
        events=0,
        evidence=_evidence_drift(bundle, evidence)
        if evidence.sum(axis=1).max(initial=0) >= FEWEST_COMMANDS
        else {},
        domains=_of_shares(expected, _by_domain(known)) if enough else None,
        hours=None,
        unknown=unknown.total(),
        new_intents=dict(unknown.most_common()),
        season_days=_season_days(bundle, now),
    )


def _enough_training(bundle: Bundle) -> bool:
    """Return whether base rates are not mostly their smoothing."""
    return bundle.report.data.commands >= FEWEST_COMMANDS


def _by_domain(intents: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for intent, number in intents.items():
        found[domain_of(intent)] = found.get(domain_of(intent), 0.0) + number
    return found


def _evidence_drift(bundle: Bundle, counts: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return the stability index of each term, given (T, BINS + 1) counts of current commands.

    Terms without counts are left out, and so are all terms without a training distribution of
    enough households.
    """
    if bundle.training is None or bundle.report.data.households < _FEWEST_HOUSEHOLDS:
        return {}
    seen = np.flatnonzero(counts.sum(axis=1))
    found = stability_index(bundle.training.shares[seen], counts[seen].astype(float))
    names = bundle.judge.names
    return {
        names[term]: round(index, 4)
        for term, index in zip(seen.tolist(), found.tolist(), strict=True)
    }


def _of_shares(expected: Mapping[str, float], found: Mapping[str, float]) -> float | None:
    names = sorted({*expected, *found})
    shares = np.array([expected.get(name, 0.0) for name in names])
    counts = np.array([found.get(name, 0) for name in names], dtype=float)
    if not counts.sum() or not shares.sum():
        return None
    return round(float(stability_index(shares / shares.sum(), counts)), 4)


def _season_days(bundle: Bundle, now: datetime) -> float | None:
    """Return the days from ``now`` to the nearest date in the training data, whatever the year."""
    data = bundle.report.data
    try:
        first, last = (datetime.fromisoformat(each) for each in (data.first, data.last))
        covered = (last - first).total_seconds() / 86_400
        after = (now.astimezone(UTC) - first).total_seconds() / 86_400
    except (ValueError, TypeError):
        return None
    into = after % _YEAR_DAYS
    return 0.0 if into <= covered else round(min(into - covered, _YEAR_DAYS - into), 1)
