"""Cross-fitting: scoring training data with models that have not seen it, by folds of households.

The chains of a fold are observed with the model of the other folds, both clean and with simulated
misfires. The judge of a fold is trained on the chains of the other folds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evidence import TERMS, Moment
from detector.judge.judge import Judge
from detector.policy.policy import Policy
from detector.population.model import Model
from detector.progress import Each, Progress, one_by_one, silent
from detector.simulation.misfires import ChainLibrary, Mixture, inject
from detector.training.evidence_table import EvidenceTable, committed_moments
from detector.training.fit_judge import fit_judge
from detector.training.fit_model import fit_model
from detector.training.guest_sessions import with_visits
from detector.training.rare_names import FEWEST_HOUSEHOLDS, common_sessions

__all__ = ["EARLY_RATE", "WARM", "CrossFit", "Fold", "Households", "fit_on"]

#: The sessions of each household, in order.
Households = Mapping[str, Sequence[Sequence[IntentEvent]]]

#: The model of a fold has seen fewer households than the bundle's model. Meant commands look rarer
#: to it, and calibration becomes too cautious. Five sixths of the households lose little. With few
#: households, calibration depends on luck, and caution is right.
_FOLDS, _FEW_FOLDS, _FEW_HOUSEHOLDS = 6, 3, 60
#: Each household is copied once for each value, with other misfires in each copy. A value is the
#: share of the copy's sessions that are replaced by sessions of guests.
_COPIES = (0.0, 0.0, 0.0, 0.15, 0.15, 0.3)
#: Share of a household's history with fewer misfires, and the share of its sessions that get one.
#: At the beginning nothing is known about a home, and a judge that has to guess there doubts every
#: command of a new home. Without any misfires there, the judge would trust every new home.
WARM, EARLY_RATE = 0.1, 0.125
_FEWEST_HOUSEHOLDS = 2 * _FEW_FOLDS


@dataclass(frozen=True, slots=True)
class Fold:
    """Some households, the model of all others, and the evidence of their chains and misfires."""

    names: tuple[str, ...]
    model: Model
    corrupted: EvidenceTable


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Folds of households, fitted against each other.

    Raises:
        NotEnoughData: on construction, if there are too few households or commands.
    """

    households: Households
    policy: Policy
    mixture: Mixture = Mixture()
    fewest: int = FEWEST_HOUSEHOLDS
    seed: int = 0
    progress: Progress = silent
    each: Each = one_by_one

    def __post_init__(self) -> None:
        commands = sum(
            event.commits
            for sessions in self.households.values()
            for session in sessions
            for event in session
        )
        if len(self.households) < _FEWEST_HOUSEHOLDS or commands < _FEWEST_HOUSEHOLDS:
            raise NotEnoughData(
                f"training needs at least {_FEWEST_HOUSEHOLDS} households and as many committing "
                f"events; the stream has {len(self.households)} and {commands}"
            )

    def folds(self) -> list[Fold]:
        """Fit a model for each fold to the other folds, and observe the fold with it."""
        folds = []
        names = list(self.households)
        among = _FOLDS if len(names) >= _FEW_HOUSEHOLDS else _FEW_FOLDS
        shuffled = np.random.default_rng(self.seed).permutation(len(names))
        insides = [
            tuple(names[place] for place in sorted(shuffled[number::among]))
            for number in range(among)
        ]
        self.progress("fitting models", 0, among)
        for fold in self.each(partial(_observed, self.alone()), insides):
            folds.append(fold)
            self.progress("fitting models", len(folds), among)
        return folds

    def alone(self) -> CrossFit:
        """Return the same work for one of several processes, which report no progress."""
        return self if self.each is one_by_one else replace(self, progress=silent, each=one_by_one)

    def fold(self, inside: tuple[str, ...]) -> Fold:
        """Fit a model to all other households, and observe these with it."""
        others = {
            name: sessions for name, sessions in self.households.items() if name not in set(inside)
        }
        model = self.model(others)
        return Fold(inside, model, self._corrupted(inside, model, others))

    def model(self, households: Households) -> Model:
        """Fit the population model to the names that enough of ``households`` use."""
        sessions = [session for each in households.values() for session in each]
        return fit_model(common_sessions(sessions, self.fewest), seed=self.seed)

    def clean(self, fold: Fold) -> Iterator[Moment]:
        """Yield the committed chains of a fold, without misfires."""
        for number, name in enumerate(fold.names):
            self.progress("scoring commands", number, len(fold.names))
            yield from committed_moments(self.households[name], fold.model, self.policy)
        self.progress("scoring commands", len(fold.names), len(fold.names))

    def _corrupted(self, names: Sequence[str], model: Model, others: Households) -> EvidenceTable:
        table, library = (
            EvidenceTable(),
            ChainLibrary.from_sessions(others, is_risky=self.policy.is_harmful),
        )
        elsewhere = [session for sessions in others.values() for session in sessions]
        for number, name in enumerate(names):
            self.progress("simulating misfires", number, len(names))
            for copy, visits in enumerate(_COPIES):
                rng = np.random.default_rng([self.seed, copy, *name.encode()])
                meant = with_visits(self.households[name], elsewhere, rng, visits)
                sessions = inject(
                    meant, library, rng, mixture=self.mixture, warm=WARM, early_rate=EARLY_RATE
                )
                misfires = frozenset(
                    event.event_id
                    for session in sessions
                    for event, label in zip(session.events, session.labels, strict=True)
                    if label is not None
                )
                walk = committed_moments(
                    (session.events for session in sessions), model, self.policy, misfires
                )
                for moment in walk:
                    table.add(moment, self.policy, misfire=moment.event.event_id in misfires)
        self.progress("simulating misfires", len(names), len(names))
        return table


def _observed(work: CrossFit, inside: tuple[str, ...]) -> Fold:
    return work.fold(inside)


def fit_on(folds: Sequence[Fold], *, without: Collection[str] = ()) -> Judge:
    """Fit a judge to the chains of ``folds``, with the terms in ``without`` set to missing."""
    values = np.array([row for fold in folds for row in fold.corrupted.values])
    values[:, [term.name in without for term in TERMS]] = np.nan
    misfires = np.array([label for fold in folds for label in fold.corrupted.misfires], dtype=bool)
    return fit_judge(values, misfires, tuple(term.name for term in TERMS))
