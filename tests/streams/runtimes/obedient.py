"""A minimal runtime that obeys decisions, as the page for authors shows it."""

from __future__ import annotations

from datetime import UTC, datetime

from streams.hook import ConfirmMethod, OutcomeKind
from streams.runtimes import Action, AskingHook, Gate, Heard, Ruling
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn


class Obedient:
    def __init__(self, hook: AskingHook) -> None:
        self._now: datetime | None = None
        self._gate = Gate(
            hook, pin=PIN, proof_key=PROOF_KEY, now=lambda: self._now or datetime.now(UTC)
        )
        self._asked: Ruling | None = None

    def say(self, command: Command) -> Turn:
        self._asked, self._now = None, command.time
        ruling = self._gate.check(
            Heard(intent=command.intent, slots=command.slots, device=command.device)
        )
        if ruling.action is Action.ASK:
            self._asked = ruling
            return Turn(said=ruling.say, asks=True)
        return self._end(ruling)

    def answer(self, accepted: bool) -> Turn:
        if self._asked is None:
            return Turn()
        asked, self._asked = self._asked, None
        # The words of a challenge are in the question.
        said = PIN if asked.method is ConfirmMethod.PIN else asked.say
        return self._end(self._gate.answer(asked, accepted=accepted, said=said))

    def _end(self, ruling: Ruling) -> Turn:
        if ruling.action is not Action.RUN:
            return Turn(said=ruling.say)
        self._gate.report(ruling, OutcomeKind.EXECUTED)
        return Turn(ran=[ruling.event.intent])


class Unguarded:
    def say(self, command: Command) -> Turn:
        return Turn(ran=[command.intent])

    def answer(self, accepted: bool) -> Turn:  # noqa: ARG002
        return Turn()


def unguarded() -> Unguarded:
    return Unguarded()


def runtime(hook: AskingHook) -> Obedient:
    return Obedient(hook)
