"""A real OVOS in this process: message bus, ovos-core with its plugins, two skills and a client.

It runs in the environment of ``requirements.lock``, with the configuration that
``test_ovos.py`` wrote. A stand-in gateway decides.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
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

#: Intents, and the sentences that a user says for them.
SENTENCES = {
    HARMLESS: ["turn on the lamp in the {room}"],
    HARMFUL: ["send a message to {contact}"],
}
PARSER = "ovos-padacioso-pipeline-plugin"
#: Seconds for one turn, on a busy machine.
TURN_SECONDS = 20.0


class Assistant:
    """OVOS, as a user talks to it from ``device``. ``default`` makes all devices the local one.

    Args:
        folder: an empty folder for the skills, one for each domain.
        reports: counts the outcomes that arrived: the plugin reports while the client goes on.
        sentences: what the skills understand.
    """

    def __init__(
        self,
        folder: Path,
        reports: Callable[[], int],
        sentences: Mapping[str, Sequence[str]] = SENTENCES,
    ) -> None:
        self._reports, self._sentences = reports, sentences
        _serve_bus()
        self.ran: list[str] = []
        self.default, self.device = False, "kitchen"
        #: The session of a device, by default one of its own.
        self.session = "session-{}"
        core = _connected()
        self.core = IntentService(core)
        # A parser hears of intents only after it was loaded.
        _wait(lambda: PARSER in self.core.pipeline_plugins)
        domains = dict.fromkeys(name.partition(".")[0] for name in sentences)
        # As in ovos-core, skills share its connection.
        self._skills = [self._skill(folder, domain, core) for domain in domains]
        self._client = _connected()
        self._messages: list[Message] = []
        self._sessions: dict[str, dict[str, Any]] = {}
        self._handled = threading.Event()
        self._client.on("speak", self._messages.append)
        self._client.on("ovos.utterance.handled", self._on_handled)
        #: Active skills that answered whether they want an utterance.
        self.answered: list[str] = []
        self._client.on(
            "skill.converse.pong", lambda message: self.answered.append(message.data["skill_id"])
        )
        parser = self.core.pipeline_plugins[PARSER]
        _wait(lambda: len(parser.registered_intents) == len(sentences))

    def forget(self) -> None:
        """Start anew: what ovos-core sent back to the devices is forgotten."""
        self._sessions.clear()
        self.default, self.session, self.device = False, "session-{}", "kitchen"

    def say(self, command: Command) -> Turn:
        self.device = command.device
        return self.utter(self._sentences[command.intent][0].format(**command.slots))

    def answer(self, accepted: bool) -> Turn:
        return self.utter("yes please" if accepted else "no")

    def utter(self, text: str) -> Turn:
        device = self.device
        before, reports = len(self.ran), self._reports()
        self._messages.clear()
        self._handled.clear()
        context: dict[str, Any] = {"source": "test", "destination": "skills"}
        if not self.default:
            fresh = {"session_id": self.session.format(device), "site_id": device}
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

    def _skill(self, folder: Path, domain: str, bus: MessageBusClient) -> OVOSSkill:
        place = folder / domain / "locale" / "en-us"
        place.mkdir(parents=True)
        intents = [intent for intent in self._sentences if intent.startswith(f"{domain}.")]
        for intent in intents:
            file = place / f"{intent.removeprefix(f'{domain}.')}.intent"
            file.write_text("\n".join(self._sentences[intent]) + "\n")

        class Skill(OVOSSkill):  # type: ignore[misc] # OVOS has no types
            def initialize(skill) -> None:  # noqa: N805
                for intent in intents:
                    name = f"{intent.removeprefix(f'{domain}.')}.intent"
                    skill.register_intent_file(name, skill.runs(intent))
                skill.add_event(f"{domain}.converse.ping", skill.declines)

            def declines(skill, message: Message) -> None:  # noqa: N805
                # As a conversational skill does; ovos-core waits .5 s for a skill that is silent.
                data = {"skill_id": domain, "can_handle": False}
                skill.bus.emit(message.reply("skill.converse.pong", data))

            def runs(skill, intent: str) -> Callable[[Message], None]:  # noqa: N805
                def run(message: Message) -> None:  # noqa: ARG001
                    self.ran.append(intent)

                return run

        return Skill(skill_id=domain, bus=bus, resources_dir=str(folder / domain))


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
        time.sleep(0.002)
