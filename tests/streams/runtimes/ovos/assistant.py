"""A real OVOS in this process: message bus, ovos-core with its plugins, two skills and a client.

It runs in the environment of ``requirements.lock``, with the configuration that
``test_ovos.py`` wrote. A stand-in gateway decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovos_bus_client import Message, MessageBusClient
from ovos_config import Configuration
from ovos_core.intent_services.service import IntentService
from ovos_messagebus.event_handler import MessageBusEventHandler
from ovos_workshop.skills.ovos import OVOSSkill
from tornado import ioloop, web

from streams.runtimes.contract.runtime import HARMFUL, HARMLESS, Command, Turn

__all__ = ["SENTENCES", "Assistant"]

SENTENCES = {
    HARMLESS: "turn on the lamp in the {room}",
    HARMFUL: "send a message to {contact}",
}
PARSER = "ovos-padacioso-pipeline-plugin"
#: Seconds for one turn, on a busy machine.
TURN_SECONDS = 20.0


class Assistant:
    """OVOS, as a user talks to it. ``default`` makes all devices the local one.

    ``reports`` counts the outcomes that arrived: the plugin reports while the client goes on.
    """

    def __init__(self, folder: Path, reports: Callable[[], int]) -> None:
        self._reports = reports
        _serve_bus()
        self.ran: list[str] = []
        self.default = False
        core = _connected()
        self.core = IntentService(core)
        # A parser hears of intents only after it was loaded.
        _wait(lambda: PARSER in self.core.pipeline_plugins)
        self._skills = [self._skill(folder, name) for name in SENTENCES]
        self._client = _connected()
        self._messages: list[Message] = []
        self._sessions: dict[str, dict[str, Any]] = {}
        self._handled = threading.Event()
        self._client.on("speak", self._messages.append)
        self._client.on("ovos.utterance.handled", self._on_handled)
        parser = self.core.pipeline_plugins[PARSER]
        _wait(lambda: len(parser.registered_intents) == len(SENTENCES))

    def say(self, command: Command) -> Turn:
        self._device = command.device
        return self.utter(SENTENCES[command.intent].format(**command.slots))

    def answer(self, accepted: bool) -> Turn:
        return self.utter("yes please" if accepted else "no")

    def utter(self, text: str) -> Turn:
        device = getattr(self, "_device", "kitchen")
        before, reports = len(self.ran), self._reports()
        self._messages.clear()
        self._handled.clear()
        context: dict[str, Any] = {"source": "test", "destination": "skills"}
        if not self.default:
            fresh = {"session_id": f"session-{device}", "site_id": device}
            context["session"] = self._sessions.get(device, fresh)
        self._client.emit(Message("recognizer_loop:utterance", {"utterances": [text]}, context))
        assert self._handled.wait(TURN_SECONDS), f"the client hangs after {text!r}"
        ran = self.ran[before:]
        _wait(lambda: self._reports() - reports == len(ran))
        spoken = [str(message.data.get("utterance", "")) for message in self._messages]
        return Turn(
            ran=ran,
            said=" ".join(spoken),
            asks=any(message.data.get("expect_response") for message in self._messages),
        )

    def _on_handled(self, message: Message) -> None:
        session = message.context.get("session") or {}
        if session.get("site_id"):
            self._sessions[session["site_id"]] = session
        self._handled.set()

    def _skill(self, folder: Path, intent: str) -> OVOSSkill:
        skill_id, _, name = intent.partition(".")
        place = folder / skill_id / "locale" / "en-us"
        place.mkdir(parents=True)
        (place / f"{name}.intent").write_text(SENTENCES[intent] + "\n")

        class Skill(OVOSSkill):  # type: ignore[misc] # OVOS has no types
            def initialize(skill) -> None:  # noqa: N805
                skill.register_intent_file(f"{name}.intent", skill.run)

            def run(skill, message: Message) -> None:  # noqa: N805, ARG002
                self.ran.append(intent)

        return Skill(skill_id=skill_id, bus=_connected(), resources_dir=str(folder / skill_id))


def _serve_bus() -> None:
    settings = Configuration()["websocket"]

    def serve() -> None:
        loop = ioloop.IOLoop()
        application = web.Application([(settings["route"], MessageBusEventHandler)])
        application.listen(settings["port"], settings["host"])
        loop.start()

    threading.Thread(target=serve, daemon=True).start()


def _connected() -> MessageBusClient:
    client = MessageBusClient()
    client.run_in_thread()
    assert client.connected_event.wait(TURN_SECONDS)
    return client


def _wait(condition: Any) -> None:
    until = time.monotonic() + TURN_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
