"""The sessions that this gateway has seen, and its own decision on each event.

A decision is computed only when it is needed. If the worker answers, the worker's verdict is
recorded instead.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.carrying import carry
from detector.decision.decide import decide, follow
from detector.decision.rule_timeline import RuleTimeline
from detector.household.state import LEARNED, HouseholdState
from streams.gateway.shares import FairCache
from streams.wire.tenancy import tenant_of

__all__ = ["Sessions", "Turn"]

#: Households whose sessions are stored, the most recent of each tenant first.
_HOUSEHOLDS = 20_000
#: A household has one cache entry, under this name.
_ALL = ""


@dataclass(slots=True)
class _Household:
    """A household's state after its last decided event, and the event that is still open.

    The state is in the terms of ``bundle``.
    """

    state: HouseholdState
    bundle: Bundle
    open: Turn | None = None


@dataclass(slots=True)
class Turn:
    """One event to decide; ``at`` is its arrival, in seconds since 1970."""

    event: IntentEvent
    home: _Household
    at: float
    decision: Decision | None = None


class Sessions:
    """Follows the sessions of all requests, without learning.

    The gateway sees no outcomes and no confirmation answers, so it would learn from commands that
    were undone or denied. Only the worker knows a household's habits.
    """

    def __init__(self, bundle: Bundle) -> None:
        #: Returns the bundle that decides for a household.
        self.choose: Callable[[str], Bundle] = lambda _: bundle
        self.rules = RuleTimeline()
        self._households: FairCache[_Household] = FairCache(_HOUSEHOLDS)

    def begin(self, event: IntentEvent, tenant: str = "", *, at: float) -> Turn:
        """Start the turn of an event that arrived at ``at``.

        The household's previous event must be decided first, so it is decided now if it is open.
        """
        home = self._households.get(event.household_id, _ALL) or _Household(
            HouseholdState.new(event.household_id), self.choose(event.household_id)
        )
        if home.open is not None:
            with suppress(Exception):  # the caller that needs this decision gets the error
                self.judge(home.open)
        home.open = Turn(event, home, at)
        self._households.put(tenant, event.household_id, _ALL, home)
        return home.open

    def forget(self, household_id: str) -> None:
        """Forget an erased household."""
        self._households.forget(household_id)

    def clear(self) -> None:
        """Forget every household."""
        self._households.clear()

    def judge(self, turn: Turn) -> Decision:
        """Return the gateway's decision: the population model, without household history."""
        if turn.decision is None:
            bundle = self._carry(turn)
            household_id = turn.event.household_id
            turn.decision, state = decide(
                turn.home.state,
                turn.event,
                bundle,
                at=turn.at,
                rung=Rung.GATEWAY,
                rules=self.rules.of(household_id, tenant_of(household_id), at=turn.at),
            )
            turn.home.state = _unlearned(state)
            self._close(turn)
        return turn.decision

    def follow(self, turn: Turn, decision: Decision) -> None:
        """Record the worker's decision."""
        if turn.decision is None:
            bundle = self._carry(turn)
            state = follow(turn.home.state, turn.event, bundle, decision, at=turn.at)
            turn.home.state = _unlearned(state)
            turn.decision = decision
            self._close(turn)

    def _carry(self, turn: Turn) -> Bundle:
        """Return the bundle that decides, with the household in its terms."""
        home, bundle = turn.home, self.choose(turn.event.household_id)
        if home.bundle is not bundle:
            home.state, home.bundle = carry(home.state, home.bundle, bundle), bundle
        return bundle

    @staticmethod
    def _close(turn: Turn) -> None:
        if turn.home.open is turn:
            turn.home.open = None


def _unlearned(state: HouseholdState) -> HouseholdState:
    if not state.taught:
        return state
    bare = HouseholdState.new(state.household_id)
    return replace(state, **{name: getattr(bare, name) for name in LEARNED})
