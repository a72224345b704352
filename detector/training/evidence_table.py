"""Replaying sessions for training: committed chains, and their evidence as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.contracts.events import IntentEvent
from detector.decision.labelled_outcomes import reveal
from detector.evidence import Moment, evidence
from detector.household.sessions import Observation, observe, remember
from detector.household.state import HouseholdState
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS, Category
from detector.policy.policy import Policy
from detector.population.model import Model

__all__ = ["EvidenceTable", "Step", "committed_moments", "walk"]


@dataclass(slots=True)
class EvidenceTable:
    """Evidence of n committed chains over T terms.

    Attributes:
        values: n rows of shape (T,); NaN is missing.
        misfires: (n,) whether each chain is a misfire.
        categories: (n,) the calibration category of each chain.
        harms: (n,) the cost of running each chain if it was not meant.
    """

    values: list[npt.NDArray[np.float64]] = field(default_factory=list)
    misfires: list[bool] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    harms: list[float] = field(default_factory=list)

    def add(self, moment: Moment, policy: Policy, *, misfire: bool) -> None:
        """Append one chain."""
        self.values.append(evidence(moment))
        self.misfires.append(misfire)
        new = moment.household.learned < NEW_HOUSEHOLD_SESSIONS
        intent = moment.event.intent
        risk = policy.risk_class(intent)
        self.categories.append((risk, new))
        self.harms.append(policy.harm_of(intent, risk))


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a household: what was observed, and the household's state before it."""

    event: IntentEvent
    observation: Observation
    state: HouseholdState

    def moment(self, model: Model) -> Moment | None:
        """Return the moment that the evidence is computed from, or ``None`` without a commit."""
        if not self.event.commits or self.observation.chain is None:
            return None
        return Moment.of(
            self.event, self.observation.session, self.observation.chain, self.state, model
        )


def walk(
    sessions: Iterable[Sequence[IntentEvent]],
    model: Model,
    policy: Policy,
    misfires: frozenset[str] = frozenset(),
) -> Iterator[Step]:
    """Replay one household's sessions, event by event, without a judge.

    After each session, the household learns which commands were meant. ``misfires`` contains the
    ids of the events that were not.
    """
    state: HouseholdState | None = None
    for session in sessions:
        commands = []
        for event in session:
            state = state or HouseholdState.new(event.household_id)
            observation, state = observe(state, event, model, policy, at=event.seconds)
            yield Step(event, observation, state)
            if event.commits:
                commands.append(event)
            state = remember(state, event, observation, at=event.seconds)
        for event in commands:
            meant = event.event_id not in misfires
            state = reveal(state, event.event_id, meant=meant, at=event.seconds) if state else None


def committed_moments(
    sessions: Iterable[Sequence[IntentEvent]],
    model: Model,
    policy: Policy,
    misfires: frozenset[str] = frozenset(),
) -> Iterator[Moment]:
    """Replay one household's sessions, and yield the moment of every committed chain."""
    moments = (step.moment(model) for step in walk(sessions, model, policy, misfires))
    return (moment for moment in moments if moment is not None)
