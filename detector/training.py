"""From a stream of meant events to a bundle.

Everything that is learned from is scored by a model that did not see it: households are split into folds, a fold's chains are
observed with the model of the other folds, and its calibration scores come from a judge trained on the other folds
(cross-conformal prediction, Vovk 2015, Ann. Math. Artif. Intell. 74). The bundle's own model and judge then see everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.bundle import Bundle, make_bundle
from detector.calibration import Calibration, Category
from detector.corpus import EvidenceTable, committed_moments, sessions_by_household
from detector.errors import NotEnoughData
from detector.events import IntentEvent
from detector.evidence import TERMS
from detector.judge import Judge, fit_judge
from detector.misfires import ALL_KINDS, ChainLibrary, inject
from detector.model import Model, fit_model
from detector.policy import Policy

__all__ = ["FOLDS", "Progress", "split_into_folds", "train"]

#: ``progress(stage, done, total)``.
Progress = Callable[[str, int, int], None]
Households = Mapping[str, Sequence[Sequence[IntentEvent]]]

FOLDS = 3
#: Copies of every household with other misfires in each.
_COPIES = 2
_FEWEST_HOUSEHOLDS = 2 * FOLDS


def train(
    events: Iterable[IntentEvent],
    policy: Policy,
    *,
    kinds: Sequence[str] = ALL_KINDS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Bundle:
    """Train a bundle.

    Args:
        events: what households meant, in order of time.
        policy: the policy that goes into the bundle.
        kinds: the kinds of misfire that the judge learns from.
        seed: of the random starts and of the simulated misfires; the same seed gives the same bundle.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        NotEnoughData: there are too few households or commands; the message says how many it takes.
    """
    households = sessions_by_household(events)
    _check_enough(households)
    work = _Work(households, policy, tuple(kinds), seed, progress or _silent)
    folds = split_into_folds(list(households), seed)
    corrupted, clean = [], []
    for number, fold in enumerate(folds):
        others = {name: sessions for name, sessions in households.items() if name not in set(fold)}
        model = work.model(others, number)
        corrupted.append(work.corrupted(fold, model, ChainLibrary.from_sessions(others)))
        clean.append(work.clean(fold, model))
    model = work.model(households, len(folds))
    work.progress("fitting models", FOLDS + 1, FOLDS + 1)
    return make_bundle(model, _judge(corrupted), work.calibration(corrupted, clean), policy)


def split_into_folds(names: Sequence[str], seed: int) -> list[list[str]]:
    """Split households into ``FOLDS`` parts of about the same size, at random but always the same way."""
    shuffled = np.random.default_rng(seed).permutation(len(names))
    return [[names[place] for place in sorted(shuffled[fold::FOLDS])] for fold in range(FOLDS)]


def _silent(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def _check_enough(households: Households) -> None:
    commands = sum(
        event.commits for sessions in households.values() for session in sessions for event in session
    )
    if len(households) < _FEWEST_HOUSEHOLDS or commands < _FEWEST_HOUSEHOLDS:
        raise NotEnoughData(
            f"training takes at least {_FEWEST_HOUSEHOLDS} households and as many committing events; the stream "
            f"has {len(households)} and {commands}"
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """One training run."""

    households: Households
    policy: Policy
    kinds: tuple[str, ...]
    seed: int
    progress: Progress

    def model(self, households: Households, done: int) -> Model:
        self.progress("fitting models", done, FOLDS + 1)
        return fit_model(
            [session for sessions in households.values() for session in sessions], seed=self.seed
        )

    def corrupted(self, fold: Sequence[str], model: Model, library: ChainLibrary) -> EvidenceTable:
        """Evidence of a fold's chains with simulated misfires among them."""
        table = EvidenceTable()
        for number, name in enumerate(fold):
            self.progress("simulating misfires", number, len(fold))
            for copy in range(_COPIES):
                rng = np.random.default_rng([self.seed, copy, *name.encode()])
                sessions = inject(self.households[name], library, rng, kinds=self.kinds)
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
        return table

    def clean(self, fold: Sequence[str], model: Model) -> EvidenceTable:
        """Evidence of a fold's chains as they were."""
        table = EvidenceTable()
        for number, name in enumerate(fold):
            self.progress("scoring meant commands", number, len(fold))
            for moment in committed_moments(self.households[name], model, self.policy):
                table.add(moment, self.policy, misfire=False)
        return table

    def calibration(self, corrupted: Sequence[EvidenceTable], clean: Sequence[EvidenceTable]) -> Calibration:
        """Score each fold's meant commands with a judge that did not see the fold."""
        scores: defaultdict[Category, list[float]] = defaultdict(list)
        for number, table in enumerate(clean):
            self.progress("calibrating", number, len(clean))
            if not table.values:
                continue
            judge = _judge([other for place, other in enumerate(corrupted) if place != number])
            for category, score in zip(
                table.categories, judge.ratio_bits(np.array(table.values)), strict=True
            ):
                scores[category].append(float(score))
        self.progress("calibrating", len(clean), len(clean))
        return Calibration(
            {category: np.sort(np.array(values)) for category, values in sorted(scores.items())}
        )


def _judge(tables: Sequence[EvidenceTable]) -> Judge:
    values = np.array([row for table in tables for row in table.values])
    misfires = np.array([label for table in tables for label in table.misfires], dtype=bool)
    return fit_judge(values, misfires, tuple(term.name for term in TERMS))
