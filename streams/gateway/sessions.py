"""The sessions that a gateway has seen itself, and its own decision on each event: made only when somebody needs it.

Where the worker answers, its verdict is remembered and nothing is judged twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide, follow
from detector.household.state import HouseholdState
from streams.gateway.shares import Kept

__all__ = ["Sessions", "Turn"]

#: Households whose sessions are kept, the latest of each tenant first.
_HOUSEHOLDS = 20_000
#: A household has one entry.
_ALL = ""
#: What a household learns.
_LEARNED = ("learned", "taught_on", "taught", "intents", "domains", "tokens", "hours", "novelty")


@dataclass(slots=True)
class _Home:
    """A household as far as it is decided, and its last event where that is not."""

    state: HouseholdState
    open: Turn | None = None


@dataclass(slots=True)
class Turn:
    """One event that a decision is wanted on. ``at`` is when it arrived, in seconds since the epoch."""

    event: IntentEvent
    home: _Home
    at: float
    decision: Decision | None = None


class Sessions:
    """Follows what is asked. Households never learn here: what this household usually does, only the worker knows.

    No outcome and no answer comes here, so that what was undone or denied would be taken for meant.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._homes: Kept[_Home] = Kept(_HOUSEHOLDS)

    def begin(self, event: IntentEvent, tenant: str = "", *, at: float) -> Turn:
        """Take in an event that arrived at ``at``; the one before it in its household has to be decided by now, so it is."""
        home = self._homes.get(event.household_id, _ALL) or _Home(
            HouseholdState.new(event.household_id)
        )
        if home.open is not None:
            with suppress(Exception):  # whoever needs this decision meets the error
                self.judge(home.open)
        home.open = Turn(event, home, at)
        self._homes.put(tenant, event.household_id, _ALL, home)
        return home.open

    def forget(self, household_id: str) -> None:
        """Forget a household: it was erased."""
        self._homes.forget(household_id)

    def clear(self) -> None:
        """Forget every household."""
        self._homes.clear()

    def judge(self, turn: Turn) -> Decision:
        """Return the gateway's own decision; the population's model decides, without this household's history."""
        if turn.decision is None:
            turn.decision, state = decide(
                turn.home.state, turn.event, self._bundle, at=turn.at, rung=Rung.GATEWAY
            )
            turn.home.state = _unlearned(state)
            self._close(turn)
        return turn.decision

    def follow(self, turn: Turn, decision: Decision) -> None:
        """Remember what was decided elsewhere."""
        if turn.decision is None:
            state = follow(turn.home.state, turn.event, self._bundle, decision, at=turn.at)
            turn.home.state = _unlearned(state)
            turn.decision = decision
            self._close(turn)

    @staticmethod
    def _close(turn: Turn) -> None:
        if turn.home.open is turn:
            turn.home.open = None


def _unlearned(state: HouseholdState) -> HouseholdState:
    if not state.taught:
        return state
    bare = HouseholdState.new(state.household_id)
    return replace(state, **{name: getattr(bare, name) for name in _LEARNED})
