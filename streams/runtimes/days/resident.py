"""The hook of a home in simulated time: records what an adapter asks, and plays its residents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.household.conversations import with_conversations
from detector.policy.policy import Conversations
from streams.hook.interface import AskingHook

__all__ = ["Clock", "Resident"]


@dataclass(slots=True)
class Clock:
    """The simulated time, in seconds since the epoch. Pass ``Clock.now`` to an embedded hook."""

    at: float = 0.0

    def now(self) -> float:
        """Return the simulated time."""
        return self.at


class Resident:
    """A hook that passes calls on to another, at the time of the events.

    As in ``misfire evaluate daily``, an allowed command is reported when its conversation has
    ended: as executed, or as undone if it was not meant. A blocked misfire is reported as denied.

    Args:
        hook: the hook that decides.
        clock: its clock.
        rule: when a conversation ends.
    """

    def __init__(self, hook: AskingHook, clock: Clock, rule: Conversations) -> None:
        self._hook, self._clock = hook, clock
        self._keys = with_conversations(iter(lambda: self._coming, None), rule)
        self._coming: IntentEvent | None = None
        self._conversation: object = None
        #: Commands that ran in this conversation, and whether each was meant.
        self._ran: list[tuple[IntentEvent, bool]] = []
        self.meant = True
        self.asked: list[tuple[IntentEvent, Decision]] = []
        #: What the adapter reported.
        self.outcomes: list[Outcome] = []

    def decide(self, event: IntentEvent) -> Decision:
        """Decide at the event's time, after what happened in the previous conversation."""
        self._coming = event
        _, conversation = next(self._keys)
        if conversation != self._conversation:
            self._conversation = conversation
            self._end_conversation()
        self._clock.at = event.seconds
        decision = self._hook.decide(event)
        self.asked.append((event, decision))
        return decision

    def confirm(
        self,
        decision: Decision,
        method: ConfirmMethod,
        *,
        accepted: bool = True,
        slots: Mapping[str, str] | None = None,
        proof: str | None = None,
        said: str = "",
        heard: IntentEvent | None = None,
        household_id: str | None = None,
    ) -> ConfirmationResult:
        """Pass an answer on."""
        return self._hook.confirm(
            decision,
            method,
            accepted=accepted,
            slots=slots,
            proof=proof,
            said=said,
            heard=heard,
            household_id=household_id,
        )

    def report(self, outcome: Outcome) -> bool:
        """Keep the report of an allowed command until its conversation ends."""
        self.outcomes.append(outcome)
        event, decision = self.asked[-1]
        if outcome.event_id == event.event_id and decision.verdict is Verdict.ALLOW:
            self._ran.append((event, self.meant))
            return True
        return self._hook.report(outcome)

    def complain(self) -> None:
        """Report the latest command as denied if it was blocked."""
        event, decision = self.asked[-1]
        if decision.verdict is Verdict.BLOCK:
            self._report(event, OutcomeKind.DENIED)

    def _end_conversation(self) -> None:
        ran, self._ran = self._ran, []
        for event, meant in ran:
            self._clock.at = event.seconds
            self._report(event, OutcomeKind.EXECUTED if meant else OutcomeKind.UNDONE)

    def _report(self, event: IntentEvent, kind: OutcomeKind) -> None:
        self._hook.report(
            Outcome(
                event_id=event.event_id,
                household_id=event.household_id,
                outcome=kind,
                source=OutcomeSource.RUNTIME,
                time=event.time,
            )
        )
