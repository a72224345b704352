"""A guarded skill, and the part of Alexa that calls it: requests, dialogues, session attributes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ask_sdk_core.handler_input import HandlerInput
from ask_sdk_core.skill_builder import SkillBuilder
from ask_sdk_core.utils import is_request_type

from streams.runtimes import AskingHook
from streams.runtimes.alexa import guard_skill
from streams.runtimes.contract import Command, Turn

__all__ = ["Alexa", "runtime", "unguarded"]


class Alexa:
    """Calls a skill as Alexa's service does. ``guard`` adds the guard to its builder."""

    def __init__(self, guard: Callable[[SkillBuilder], object]) -> None:
        builder = SkillBuilder()
        guard(builder)
        self.ran: list[str] = []
        self.failing = False

        @builder.request_handler(can_handle_func=is_request_type("IntentRequest"))  # type: ignore[untyped-decorator]
        def run(handler_input: HandlerInput) -> Any:
            if self.failing:
                raise ValueError("the handler fails")
            self.ran.append(handler_input.request_envelope.request.intent.name)
            return handler_input.response_builder.response

        @builder.request_handler(can_handle_func=is_request_type("LaunchRequest"))  # type: ignore[untyped-decorator]
        def launch(handler_input: HandlerInput) -> Any:
            return handler_input.response_builder.speak("Welcome.").response

        @builder.exception_handler(can_handle_func=lambda _, __: True)  # type: ignore[untyped-decorator]
        def sorry(handler_input: HandlerInput, _: Exception) -> Any:
            return handler_input.response_builder.speak("Sorry.").response

        self._skill = builder.lambda_handler()
        self.attributes: dict[str, Any] = {}
        self.response: dict[str, Any] = {}
        self._sessions: dict[str, str] = {}
        self._asked: tuple[Command, dict[str, Any]] | None = None

    def say(self, command: Command) -> Turn:
        # Another command ends the dialogue, but not the session of the device.
        self._asked = None
        return self.intent(command)

    def answer(self, accepted: bool) -> Turn:
        if self._asked is None:
            return Turn()
        (command, intent), self._asked = self._asked, None
        status = "CONFIRMED" if accepted else "DENIED"
        return self.intent(command, **intent | {"confirmationStatus": status})

    def intent(self, command: Command, **changes: Any) -> Turn:
        slots = {name: {"name": name, "value": value} for name, value in command.slots.items()}
        name = command.intent
        intent = {"name": name, "slots": slots, "confirmationStatus": "NONE"} | changes
        before = len(self.ran)
        self.request({"type": "IntentRequest", "intent": intent}, command.device)
        directives = [each["type"] for each in self.response.get("directives") or ()]
        asks = "Dialog.ConfirmIntent" in directives
        if asks:
            self._asked = command, self.response["directives"][0]["updatedIntent"]
        said = (self.response.get("outputSpeech") or {}).get("ssml", "")
        return Turn(ran=self.ran[before:], said=said, asks=asks)

    def request(self, request: dict[str, Any], device: str = "kitchen") -> None:
        session = self._sessions.setdefault(device, f"amzn1.echo-api.session.{uuid.uuid4()}")
        user = {"userId": "amzn1.ask.account." + "A" * 160}
        application = {"applicationId": "amzn1.ask.skill.test"}
        envelope: dict[str, Any] = {
            "version": "1.0",
            "session": {
                "new": False,
                "sessionId": session,
                "application": application,
                "user": user,
                "attributes": self.attributes,
            },
            "context": {
                "System": {
                    "application": application,
                    "user": user,
                    "device": {
                        "deviceId": f"amzn1.ask.device.{device * 30}",
                        "supportedInterfaces": {},
                    },
                    "apiEndpoint": "https://api.amazonalexa.com",
                    "apiAccessToken": "x",
                }
            },
            "request": {
                "requestId": f"amzn1.echo-api.request.{uuid.uuid4()}",
                "timestamp": "2026-01-05T07:27:48Z",
                "locale": "en-US",
                "dialogState": "STARTED",
            }
            | request,
        }
        answer = self._skill(envelope, None)
        self.response = answer["response"]
        self.attributes = answer.get("sessionAttributes") or {}


def runtime(hook: AskingHook) -> Alexa:
    return Alexa(lambda builder: guard_skill(builder, hook))


def unguarded() -> Alexa:
    return Alexa(lambda _: None)
