"""The stories' assistant: asks the hook before it runs a command, and reports what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from detector.contracts.confirmations import PROVEN, Result, proof_of
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from streams.hook import Hook

__all__ = ["DEFAULT_DEADLINE_MS", "Asked", "Runtime"]

#: What the hook answers in where the asker names nothing else.
DEFAULT_DEADLINE_MS = 150
#: The embedded broker has pauses of a tenth of a second; the stories that are not about deadlines wait for it.
_PATIENT_DEADLINE_MS = 3_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One event, what the hook said, and how many milliseconds that took."""

    event: IntentEvent
    decision: Decision
    milliseconds: float


class Runtime:
    """A voice assistant as far as the hook sees it.

    Args:
        url: the gateway's address.
        show: called after each answer.
        key: what proofs of confirmations are made with.
    """

    def __init__(self, url: str, show: Callable[[Asked], None], key: bytes) -> None:
        self.show = show
        self._key = key
        self.asked: list[Asked] = []
        self._hooks = {
            ms: Hook(url, deadline_ms=ms) for ms in (DEFAULT_DEADLINE_MS, _PATIENT_DEADLINE_MS)
        }

    def say(self, event: IntentEvent, *, deadline_ms: int = _PATIENT_DEADLINE_MS) -> Asked:
        """Pass one turn to the hook."""
        began = time.perf_counter()
        decision = self._hooks[deadline_ms].decide(event)
        asked = Asked(event, decision, 1000 * (time.perf_counter() - began))
        self.asked.append(asked)
        self.show(asked)
        return asked

    def converse(self, events: Sequence[IntentEvent]) -> Asked:
        """Pass a dialogue to the hook, and return the answer to the turn that commits."""
        answers = [self.say(event) for event in events]
        return next(asked for asked in reversed(answers) if asked.event.commits)

    def carry_out(self, asked: Asked, *, confirmed: bool) -> bool:
        """Run the command if that is allowed, or if it is to be confirmed and somebody does; return whether it ran."""
        verdict = asked.decision.effective_verdict
        ran = verdict is Verdict.ALLOW or (
            confirmed and verdict is Verdict.CONFIRM and self.confirm(asked.event, asked.decision)
        )
        self.report(asked.event, OutcomeKind.EXECUTED if ran else OutcomeKind.EXPIRED)
        return ran

    def confirm(self, event: IntentEvent, decision: Decision) -> bool:
        """Say yes to a question, by a way that takes a proof where one is offered; return whether it counted."""
        asked = decision.confirm
        if asked is None or asked.confirmation_id is None:
            return False
        method = next((way for way in asked.methods if way in PROVEN), asked.methods[0])
        result = self._hooks[_PATIENT_DEADLINE_MS].confirm(
            decision,
            method,
            proof=proof_of(self._key, asked.confirmation_id, method),
            said=" ".join(asked.challenge),
            heard=replace(event, event_id=f"{event.event_id}-yes", act=Act.AFFIRM, commits=False),
        )
        return result.result is Result.CONFIRMED

    def report(self, event: IntentEvent, kind: OutcomeKind) -> None:
        """Tell what became of a command."""
        outcome = Outcome(
            event_id=event.event_id,
            household_id=event.household_id,
            outcome=kind,
            source=OutcomeSource.RUNTIME,
            time=event.time,
        )
        self._hooks[_PATIENT_DEADLINE_MS].report(outcome)

    def close(self) -> None:
        """Close the connections."""
        for hook in self._hooks.values():
            hook.close()
