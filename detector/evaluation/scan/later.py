"""What a household knew about a command from before it and after it.

Learning everything but one session anew for each command would take quadratic time. A count halves
every 34 learned sessions (``learning.DECAY``), so distant sessions hardly matter. The state of
before therefore learns the next 34 sessions as well: sessions before and after then have about
equal weight. Only candidates for the list are judged in this way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evidence import Moment
from detector.household.fast_replace import changed
from detector.household.sessions import observe, remember
from detector.household.state import HABITS, HouseholdState

__all__ = ["LATER_SESSIONS", "Later"]

#: Later sessions to learn from; after them, what was learned before counts half.
LATER_SESSIONS = 34
#: Later events to learn from, in case the household learns from few of its sessions.
_MOST_EVENTS = 512


@dataclass(slots=True)
class Later:
    """A command, and the household's events after it."""

    moment: Moment
    events: list[IntentEvent] = field(default_factory=list)

    def needs(self, household: HouseholdState) -> bool:
        """Return whether more events are needed when the household is in this state."""
        return (
            household.learned - self.moment.household.learned < LATER_SESSIONS
            and len(self.events) < _MOST_EVENTS
        )

    def moment_afterwards(self, bundle: Bundle) -> tuple[Moment, int]:
        """Return the command as if the household had learned the later sessions before it.

        The command's own session stays unknown. The second value is the number of later sessions.
        """
        moment, state = self.moment, self.moment.household
        here = (moment.event.session_id, moment.event.device_id)
        for event in self.events:
            if (event.session_id, event.device_id) == here:
                continue
            observation, state = observe(
                state, event, bundle.model, bundle.policy, at=event.seconds
            )
            state = remember(state, event, observation, at=event.seconds)
            if state.learned - moment.household.learned >= LATER_SESSIONS:
                break
        habits = {name: getattr(state, name) for name in HABITS}
        # The commands right before this one describe the moment and are not a habit.
        habits["commands"] = replace(habits["commands"], latest=moment.household.commands.latest)
        household = changed(moment.household, **habits)
        return (
            Moment.of(moment.event, moment.session, moment.chain, household, bundle.model),
            state.learned - moment.household.learned,
        )
