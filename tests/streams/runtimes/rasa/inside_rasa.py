"""Tests in the environment of rasa-sdk; ``test_rasa.py`` runs them there with pytest.

``Server`` calls the action server's executor with the requests of Rasa's webhook.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor

import streams.runtimes.rasa
from streams.files.keyring import new_keyring, write_keyring
from streams.hook import Verdict
from streams.local.processes import free_port, start, stop
from streams.runtimes import AskingHook, Gate
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook, Turn
from streams.runtimes.contract.stand_in_gateway import stand_in_gateway
from streams.runtimes.rasa import ANSWER, ActionGuard
from tests.streams.runtimes.rasa.at_home import answer_of, request_of

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
        self._executor.register_action(answer_of(guard))
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
        latest = {
            "text": text,
            "intent": {"name": intent, "confidence": self.confidence},
            "entities": [],
        }
        request = request_of(action, self._device, self.slots, latest)
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


def test_an_action_server_serves_the_lines_of_the_page(tmp_path: Path) -> None:
    page = Path(str(streams.runtimes.rasa.__file__)).with_name("rasa.md").read_text("utf-8")
    (lines,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    write_keyring(tmp_path / "home.keys.json", new_keyring("home", datetime.now(UTC)))
    keyring = f'"{tmp_path}/home.keys.json"'
    port, slots = free_port(), {"contact": "alice", "misfire_question": None}
    command = (sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(port))
    with stand_in_gateway() as (url, state), pytest.MonkeyPatch.context() as patch:
        state.hook.script = Script(verdict=Verdict.CONFIRM)
        # The default deadline is short for a busy machine.
        lines = lines.replace('"http://127.0.0.1:8750"', f'"{url}", deadline_ms=10_000')
        lines = lines.replace('"home.keys.json"', keyring)
        (tmp_path / "actions.py").write_text(lines)
        patch.chdir(tmp_path)
        server = start(command, log=tmp_path / "log.txt")
        try:
            for action in ("action_send", ANSWER):
                latest = {"text": "yes", "intent": {"name": "affirm"}, "entities": []}
                answer = _post(port, request_of(action, "kitchen", slots, latest))
                slots |= {each["name"]: each["value"] for each in answer["events"]}
        finally:
            stop(server)

    assert [each.accepted for each in state.hook.answers] == [True]
    assert len(state.hook.outcomes) == 1


def _post(port: int, request: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 60.0
    while True:
        try:
            answer = httpx.post(f"http://127.0.0.1:{port}/webhook", json=request, timeout=20.0)
        except httpx.ConnectError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            found: dict[str, Any] = answer.json()
            return found
