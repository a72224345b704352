"""An action server that plays a month, in the environment of rasa-sdk.

``python -m tests.streams.runtimes.rasa.at_home PORT GATEWAY_PORT`` serves it for ``misfire runtimes
play http://127.0.0.1:PORT``, and the same without the guard at the next port.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from detector.contracts.challenge_words import words_in
from streams.hook import Hook
from streams.runtimes import Gate
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn
from streams.runtimes.rasa import ANSWER, QUESTION, ActionGuard
from tests.streams.runtimes.served import serve_runtime

__all__ = ["AtHome", "answer_of", "request_of"]


def answer_of(guard: ActionGuard) -> Action:
    """Return the action that answers the questions of a guard."""
    members = {"name": lambda _: ANSWER, "run": guard.answering()}
    answering: Action = type("AnswerQuestion", (Action,), members)()
    return answering


def request_of(
    action: str, sender: str, slots: dict[str, Any], latest: dict[str, Any]
) -> dict[str, Any]:
    """Return the request with which Rasa asks its action server to run an action.

    Args:
        action: the action's name.
        sender: the conversation's id.
        slots: the conversation's slots.
        latest: the user's latest message.
    """
    tracker = {
        "sender_id": sender,
        "slots": slots,
        "latest_message": latest,
        "latest_event_time": 1.0,
        "paused": False,
        "followup_action": None,
        "events": [],
        "latest_input_channel": "rest",
        "active_loop": {},
        "latest_action_name": "action_listen",
    }
    return {
        "next_action": action,
        "sender_id": sender,
        "tracker": tracker,
        "domain": {},
        "version": "3.21.1",
    }


class AtHome:
    """An action for every intent, guarded if there is a hook."""

    def __init__(self, hook: Hook | None) -> None:
        self.ran: list[str] = []
        self._command = Command(intent="")
        self._slots: dict[str, Any] = {}
        self._said = ""
        self._names: dict[tuple[str, ...], str] = {}
        self._loop = asyncio.new_event_loop()
        self._executor = ActionExecutor()
        self._guard: ActionGuard | None = None
        if hook is not None:
            gate = Gate(
                hook,
                runtime="rasa",
                pin=PIN,
                proof_key=PROOF_KEY,
                now=lambda: self._command.time or datetime.now(UTC),
            )
            self._guard = ActionGuard(gate)
            self._executor.register_action(answer_of(self._guard))

    def say(self, command: Command) -> Turn:
        self._command = command
        self._slots = {QUESTION: None, **command.slots}
        return self._call(self._action(command), "request", "please")

    def answer(self, accepted: bool) -> Turn:
        text = " ".join(("yes", PIN, *words_in(self._said))) if accepted else "no"
        return self._call(ANSWER, "affirm" if accepted else "deny", text)

    def _action(self, command: Command) -> str:
        key = (command.intent, *sorted(command.slots))
        if key not in self._names:
            called = self._names[key] = f"action_{len(self._names)}"
            ran = self.ran

            async def run(self: Any, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG001
                ran.append(command.intent)
                return []

            guarded = self._guard(key[0], slots=key[1:])(run) if self._guard else run
            members = {"name": lambda _: called, "run": guarded}
            self._executor.register_action(type("Executes", (Action,), members)())
        return self._names[key]

    def _call(self, action: str, intent: str, text: str) -> Turn:
        before = len(self.ran)
        latest = {"text": text, "intent": {"name": intent}, "entities": []}
        request = request_of(action, self._command.device, self._slots, latest)
        answer: Any = self._loop.run_until_complete(self._executor.run(request))
        for event in answer.events:
            if event["event"] == "slot":
                self._slots[event["name"]] = event["value"]
        self._said = " ".join(str(each.get("text") or "") for each in answer.responses)
        asks = bool(self._slots.get(QUESTION))
        return Turn(ran=self.ran[before:], said=self._said, asks=asks)


if __name__ == "__main__":
    port, gateway = map(int, sys.argv[1:])
    Thread(target=serve_runtime, args=(AtHome(None), port + 1), daemon=True).start()
    serve_runtime(AtHome(Hook(f"http://127.0.0.1:{gateway}", deadline_ms=60_000)), port)
