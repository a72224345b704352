"""A guarded skill with an app, for ``misfire runtimes play``: its users answer on their phone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ask_sdk_core.skill_builder import SkillBuilder

from streams.runtimes import Action, AskingHook
from streams.runtimes.alexa import guard_skill, packed, unpacked
from streams.runtimes.contract import PROOF_KEY, Command, Turn
from tests.streams.runtimes.alexa.skill import Alexa, unguarded

__all__ = ["AtHome", "runtime", "unguarded"]


class AtHome(Alexa):
    """A command that the phone confirmed is given once more, as its user would."""

    def __init__(self, hook: AskingHook) -> None:
        self._command = Command(intent="")
        self._on_phone: str | None = None

        def guard(builder: SkillBuilder) -> None:
            self._gate = guard_skill(
                builder,
                hook,
                ask_on_phone=lambda _, ruling: setattr(self, "_on_phone", packed(ruling)),
                proof_key=PROOF_KEY,
                now=lambda: self._command.time or datetime.now(UTC),
            )

        super().__init__(guard)

    def say(self, command: Command) -> Turn:
        self._command, self._on_phone = command, None
        turn = super().say(command)
        return replace(turn, asks=turn.asks or self._on_phone is not None)

    def answer(self, accepted: bool) -> Turn:
        asked, self._on_phone = unpacked(self._on_phone), None
        if asked is None:
            return super().answer(accepted)
        confirmed = self._gate.answer(asked, accepted=accepted).action is Action.RUN
        return super().say(self._command) if confirmed else Turn()


def runtime(hook: AskingHook) -> AtHome:
    return AtHome(hook)
