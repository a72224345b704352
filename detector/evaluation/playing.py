"""Play a stream: decide on its events in order, and reveal labels only after the verdicts.

A question is answered before the next event, as on a phone. Outcomes of allowed commands are
reported when their session ends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.decision.verdict import Judgement
from detector.household.conversations import with_conversations
from detector.household.state import HouseholdState

__all__ = ["play"]


@dataclass(slots=True)
class _Household:
    state: HouseholdState
    conversation: object = None
    allowed: list[tuple[IntentEvent, bool]] = field(default_factory=list)

    def reveal(self, event: IntentEvent, decision: Decision, *, meant: bool) -> None:
        """Answer a question at once, but keep an allowed command until the session ends."""
        if decision.verdict is Verdict.ALLOW:
            self.allowed.append((event, meant))
        else:
            self.state = reveal(self.state, event.event_id, meant=meant, at=event.seconds)

    def begin(self, conversation: object) -> None:
        """Report the outcomes of the previous conversation when another one begins."""
        if conversation != self.conversation:
            for event, meant in self.allowed:
                self.state = reveal(self.state, event.event_id, meant=meant, at=event.seconds)
            self.conversation, self.allowed = conversation, []


def play(
    events: Iterable[IntentEvent],
    bundle: Bundle,
    misfires: Collection[str] | None = None,
    *,
    announce: Callable[[Judgement], None] | None = None,
) -> Iterator[tuple[IntentEvent, Decision]]:
    """Decide on every event of a stream in order.

    Args:
        events: the stream.
        bundle: the bundle that decides.
        misfires: ids of the events that were not meant, used to report outcomes after decisions;
            ``None`` reports none, as for an unlabelled log.
        announce: called with the judgement of each committed chain.
    """
    households: dict[str, _Household] = {}
    for event, conversation in with_conversations(events, bundle.policy.conversations):
        household = households.setdefault(
            event.household_id, _Household(HouseholdState.new(event.household_id))
        )
        household.begin(conversation)
        decision, household.state = decide(
            household.state, event, bundle, at=event.seconds, announce=announce
        )
        if event.commits and misfires is not None:
            household.reveal(event, decision, meant=event.event_id not in misfires)
        yield event, decision
