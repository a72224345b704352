"""From a stream of meant events to a bundle.

Everything that is learned from is scored by a model that did not see it: households are split into folds, a fold's chains are
observed with the model of the other folds, and its calibration scores come from a judge trained on the other folds
(cross-conformal prediction, Vovk 2015). The bundle's own model and judge then see everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.bundle import Bundle, make_bundle
from detector.calibration import NEW_HOUSEHOLD_SESSIONS, Calibration, Category
from detector.errors import NotEnoughData
from detector.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.evidence import TERMS, Moment, evidence
from detector.household import settle
from detector.judge import Judge, fit_judge
from detector.misfires import ALL_KINDS, ChainLibrary, inject
from detector.model import Model, fit_model
from detector.observation import observe, remember
from detector.policy import Policy
from detector.state import HouseholdState

__all__ = ["Progress", "committed_moments", "sessions_by_household", "train"]

#: ``progress(stage, done, total)``.
Progress = Callable[[str, int, int], None]
Sessions = list[list[IntentEvent]]

FOLDS = 3
#: Corrupted copies of every household: more of them cost time, and gain nothing that was seen on held-out households.
COPIES = 2
_FEWEST_HOUSEHOLDS = 2 * FOLDS


@dataclass(slots=True)
class _Chains:
    """Evidence of committed chains, row by row."""

    values: list[npt.NDArray[np.float64]] = field(default_factory=list)
    misfires: list[bool] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)

    def add(self, moment: Moment, misfire: bool, policy: Policy) -> None:
        self.values.append(evidence(moment))
        self.misfires.append(misfire)
        new = moment.household.learned < NEW_HOUSEHOLD_SESSIONS
        self.categories.append((policy.risk_class(moment.event.intent), new))


def train(
    events: Iterable[IntentEvent], policy: Policy, *, seed: int = 0, progress: Progress | None = None
) -> Bundle:
    """Train a bundle.

    Args:
        events: what households meant, in order of time.
        policy: the policy that goes into the bundle.
        seed: of the random starts and of the simulated misfires; the same seed gives the same bundle.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        NotEnoughData: there are too few households or commands; the message says how many it takes.
    """
    tell = progress or (lambda stage, done, total: None)
    households = sessions_by_household(events)
    _check_enough(households)
    folds = _folds(list(households), seed)
    corrupted, clean = [], []
    for number, fold in enumerate(folds):
        tell("fitting models", number, FOLDS + 1)
        others = [
            session for other in folds if other is not fold for name in other for session in households[name]
        ]
        model = fit_model(others, seed=seed)
        library = ChainLibrary.from_sessions(
            {name: households[name] for other in folds if other is not fold for name in other}
        )
        corrupted.append(_corrupted(fold, households, model, library, policy, seed, tell))
        clean.append(_clean(fold, households, model, policy, tell))
    tell("fitting models", FOLDS, FOLDS + 1)
    model = fit_model([session for sessions in households.values() for session in sessions], seed=seed)
    tell("fitting models", FOLDS + 1, FOLDS + 1)
    judge = _fit(corrupted)
    return make_bundle(model, judge, _calibrate(corrupted, clean, tell), policy)


def sessions_by_household(events: Iterable[IntentEvent]) -> dict[str, Sessions]:
    """Group a stream into each household's sessions, in the order in which they began."""
    grouped: defaultdict[str, dict[str, list[IntentEvent]]] = defaultdict(dict)
    for event in events:
        grouped[event.household_id].setdefault(event.session_id, []).append(event)
    return {household: list(sessions.values()) for household, sessions in grouped.items()}


def committed_moments(
    sessions: Iterable[Sequence[IntentEvent]],
    model: Model,
    policy: Policy,
    misfires: frozenset[str] = frozenset(),
) -> Iterator[Moment]:
    """Walk through one household's sessions and yield every committed chain before it is judged.

    What was meant is revealed when its session is over: ``misfires`` holds the ids of committing events that nobody meant.
    """
    state: HouseholdState | None = None
    for session in sessions:
        outcomes = []
        for event in session:
            state = state or HouseholdState.new(event.household_id)
            observation, state = observe(state, event, model, policy.undo_window_seconds)
            if event.commits and observation.chain is not None:
                yield Moment(event, observation.session, observation.chain, state, model.population)
                outcomes.append(_outcome(event, meant=event.event_id not in misfires))
            state = remember(state, event, observation, allowed=False)
        for outcome in outcomes:
            state = settle(state, outcome) if state else None


def _outcome(event: IntentEvent, *, meant: bool) -> Outcome:
    kind = OutcomeKind.EXECUTED if meant else OutcomeKind.UNDONE
    return Outcome(
        event_id=event.event_id,
        household_id=event.household_id,
        outcome=kind,
        source=OutcomeSource.RUNTIME,
        time=event.time,
    )


def _check_enough(households: Mapping[str, Sessions]) -> None:
    commands = sum(
        event.commits for sessions in households.values() for session in sessions for event in session
    )
    if len(households) < _FEWEST_HOUSEHOLDS or commands < _FEWEST_HOUSEHOLDS:
        raise NotEnoughData(
            f"training takes at least {_FEWEST_HOUSEHOLDS} households and as many committing events; the stream has "
            f"{len(households)} and {commands}"
        )


def _folds(names: list[str], seed: int) -> list[list[str]]:
    shuffled = np.random.default_rng(seed).permutation(len(names))
    return [[names[place] for place in sorted(shuffled[fold::FOLDS])] for fold in range(FOLDS)]


def _corrupted(
    fold: list[str],
    households: Mapping[str, Sessions],
    model: Model,
    library: ChainLibrary,
    policy: Policy,
    seed: int,
    tell: Progress,
) -> _Chains:
    """Evidence of a fold's chains with simulated misfires among them."""
    chains = _Chains()
    for number, name in enumerate(fold):
        tell("simulating misfires", number, len(fold))
        for copy in range(COPIES):
            rng = np.random.default_rng([seed, copy, *name.encode()])
            sessions = inject(households[name], library, rng, kinds=ALL_KINDS)
            misfires = frozenset(
                event.event_id
                for session in sessions
                for event, label in zip(session.events, session.labels, strict=True)
                if label is not None
            )
            for moment in committed_moments(
                (session.events for session in sessions), model, policy, misfires
            ):
                chains.add(moment, moment.event.event_id in misfires, policy)
    tell("simulating misfires", len(fold), len(fold))
    return chains


def _clean(
    fold: list[str], households: Mapping[str, Sessions], model: Model, policy: Policy, tell: Progress
) -> _Chains:
    """Evidence of a fold's chains as they were."""
    chains = _Chains()
    for number, name in enumerate(fold):
        tell("scoring meant commands", number, len(fold))
        for moment in committed_moments(households[name], model, policy):
            chains.add(moment, False, policy)
    tell("scoring meant commands", len(fold), len(fold))
    return chains


def _fit(parts: Sequence[_Chains]) -> Judge:
    values = np.array([row for part in parts for row in part.values])
    misfires = np.array([label for part in parts for label in part.misfires])
    return fit_judge(values, misfires, tuple(term.name for term in TERMS))


def _calibrate(corrupted: Sequence[_Chains], clean: Sequence[_Chains], tell: Progress) -> Calibration:
    """Score each fold's meant commands with a judge that did not see the fold."""
    scores: defaultdict[Category, list[float]] = defaultdict(list)
    for number, part in enumerate(clean):
        tell("calibrating", number, len(clean))
        if not part.values:
            continue
        judge = _fit([other for place, other in enumerate(corrupted) if place != number])
        for category, score in zip(part.categories, judge.ratio_bits(np.array(part.values)), strict=True):
            scores[category].append(float(score))
    tell("calibrating", len(clean), len(clean))
    return Calibration({category: np.sort(np.array(values)) for category, values in sorted(scores.items())})
