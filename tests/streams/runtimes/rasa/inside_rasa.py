"""Tests in the environment of rasa-sdk; ``test_rasa.py`` runs them there with pytest.

``Server`` calls the action server's executor with the requests of Rasa's webhook.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

from streams.hook import Verdict
from streams.runtimes import AskingHook, Gate
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook, Turn
from streams.runtimes.rasa import ANSWER, ActionGuard

ACTIONS = {"lights.TurnOn": "action_light", "messages.SendMessage": "action_send"}


class Server:
    """An action server with two guarded actions, and the part of Rasa that calls it."""

    def __init__(self, hook: AskingHook) -> None:
        self.ran: list[str] = []
        self.slots: dict[str, Any] = {}
        self.confidence: float | None = 0.9
        self._device = "kitchen"
        guard = ActionGuard(Gate(hook, runtime="rasa"))
        self._executor = ActionExecutor()
        self._executor.register_action(guard.answering())
        self._executor.register_action(self._light(guard))
        self._executor.register_action(self._send(guard))

    def _light(self, guard: ActionGuard) -> Action:
        ran = self.ran

        class Light(Action):  # type: ignore[misc] # rasa-sdk has no types
            def name(self) -> str:
                return "action_light"

            @guard("lights.TurnOn", slots=("room",))
            def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG002
                ran.append("lights.TurnOn")
                return []

        return Light()

    def _send(self, guard: ActionGuard) -> Action:
        ran = self.ran

        class Send(Action):  # type: ignore[misc] # as above
            def name(self) -> str:
                return "action_send"

            @guard("messages.SendMessage", slots=("contact",))
            async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[Any]:  # noqa: ARG002
                ran.append("messages.SendMessage")
                return []

        return Send()

    def say(self, command: Command) -> Turn:
        self._device = command.device
        self.slots |= command.slots
        return self.call(ACTIONS[command.intent], "request", "please")

    def answer(self, accepted: bool) -> Turn:
        return self.call(ANSWER, "affirm" if accepted else "deny", "yes" if accepted else "no")

    def call(self, action: str, intent: str, text: str) -> Turn:
        before = len(self.ran)
        tracker = {
            "sender_id": self._device,
            "slots": self.slots,
            "latest_message": {
                "text": text,
                "intent": {"name": intent, "confidence": self.confidence},
                "entities": [],
            },
            "latest_event_time": 1.0,
            "paused": False,
            "followup_action": None,
            "events": [],
            "latest_input_channel": "rest",
            "active_loop": {},
            "latest_action_name": "action_listen",
        }
        request = {
            "next_action": action,
            "sender_id": self._device,
            "tracker": tracker,
            "domain": {},
            "version": "3.21.1",
        }
        answer: Any = asyncio.run(self._executor.run(request))
        for event in answer.events:
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
        said = " ".join(str(each.get("text") or "") for each in answer.responses)
        asks = bool(self.slots.get("misfire_question"))
        return Turn(ran=self.ran[before:], said=said, asks=asks)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_a_guarded_action_server_keeps_every_promise(promise: Promise) -> None:
    hook = ScriptedHook()

    promise(Server(hook), hook)


def test_an_answer_after_the_slots_changed_runs_nothing() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.CONFIRM))
    server = Server(hook)
    server.say(Command(intent="messages.SendMessage", slots={"contact": "alice"}))
    server.slots["contact"] = "bob"

    turn = server.answer(accepted=True)

    assert not turn.ran
    assert turn.said
    assert not hook.answers


@pytest.mark.parametrize("text", ["", "{}", '{"action": "action_send", "ruling": "x"}'])
def test_a_slot_that_is_no_question_runs_nothing(text: str) -> None:
    server = Server(ScriptedHook())
    server.slots["misfire_question"] = text

    assert not server.answer(accepted=True).ran


def test_the_text_answers_if_the_intent_does_not() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.CONFIRM))
    server = Server(hook)
    server.say(Command(intent="lights.TurnOn", slots={"room": "attic"}))

    assert server.call(ANSWER, "other", "yes please").ran == ["lights.TurnOn"]


def test_the_event_has_the_slots_the_confidence_and_the_sender() -> None:
    hook = ScriptedHook()
    Server(hook).say(Command(intent="lights.TurnOn", slots={"room": "attic"}))

    (event,) = hook.events
    assert event.slots == {"room": "attic"}
    assert event.intent_confidence == 0.9
    assert event.device_id == "kitchen"
    assert event.runtime == "rasa"
