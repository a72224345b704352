"""Two real mosquittos, the dialogue manager's side of Hermes, skills, and the bridge between."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from detector.contracts.challenge_words import words_in
from streams.local.processes import free_port
from streams.runtimes import AskingHook, Gate
from streams.runtimes.bridges.hermes import HermesBridge
from streams.runtimes.bridges.mqtt import Mqtt, MqttSettings, bridge_brokers, send_at_once
from streams.runtimes.contract import PIN, PROOF_KEY, Command, Turn
from streams.runtimes.questions import Words
from tests.tools import debian

__all__ = ["Rhasspy", "runtime", "unguarded"]

ANSWERS = ("hermes/dialogueManager/endSession", "hermes/dialogueManager/continueSession")
TURN_SECONDS = 20.0
#: Seconds in which a session that nothing answers would have been answered.
QUIET_SECONDS = 0.3


class Mosquitto:
    """A broker on loopback."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = tempfile.mkdtemp(prefix="misfire-mosquitto-")
        config = Path(self._folder, "mosquitto.conf")
        config.write_text(
            f"allow_anonymous true\nset_tcp_nodelay true\nlistener {self.port} 127.0.0.1\n"
        )
        self._process = subprocess.Popen(
            [debian("mosquitto", "mosquitto"), "-c", config], stderr=subprocess.DEVNULL
        )
        atexit.register(self.stop)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Rhasspy:
    """Rhasspy as a user talks to it: every command is a session."""

    def __init__(self, hook: AskingHook | None) -> None:
        self.brokers = [Mosquitto() for _ in range(2 if hook else 1)]
        self.ran: list[str] = []
        self.answered: list[tuple[str, dict[str, Any]]] = []
        self.told: list[str] = []
        self._session, self._question = "", ""
        self._now: datetime | None = None
        self._hook = hook
        self._arrived = threading.Condition()
        self._manager = self._client(self.brokers[0].port, ANSWERS, self._on_answer)
        self._skills = self._client(
            self.brokers[-1].port,
            ("hermes/intent/#", "hermes/dialogueManager/sessionEnded"),
            self._on_skill,
        )
        self.clients: list[Mqtt] = []
        if hook is not None:
            self._bridge(hook)

    def say(self, command: Command) -> Turn:
        self._session, self._now = uuid.uuid4().hex, command.time
        slots = [
            {"slotName": name, "entity": name, "value": {"kind": "Unknown", "value": value}}
            for name, value in command.slots.items()
        ]
        return self.publish(
            f"hermes/intent/{command.intent}",
            {
                "input": command.intent,
                "intent": {"intentName": command.intent, "confidenceScore": 0.9},
                "siteId": command.device,
                "slots": slots,
                "asrConfidence": None,
            },
        )

    def answer(self, accepted: bool) -> Turn:
        if not accepted:
            return self.publish("hermes/dialogueManager/intentNotRecognized", {"input": "no"})
        said = " ".join(("yes", PIN, *words_in(self._question)))
        return self.publish("hermes/intent/Yes", {"input": said, "rawInput": said})

    def publish(self, topic: str, message: dict[str, Any], wait: float = TURN_SECONDS) -> Turn:
        """Publish a message of the session, and wait until the session is answered."""
        before, ran, reports = len(self.answered), len(self.ran), self._reports()
        if topic == "hermes/intent/Yes" and not self._question:
            wait = QUIET_SECONDS
        body = json.dumps(message | {"sessionId": self._session})
        self._manager.publish(topic, body, qos=1)
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.answered) > before, wait)
        asked, answer = self.answered[-1] if len(self.answered) > before else ("", {})
        self._question = str(answer.get("text")) if asked == ANSWERS[1] else ""
        until = time.monotonic() + TURN_SECONDS
        # The bridge reports while the dialogue manager goes on.
        while self.clients and self._reports() - reports < len(self.ran) - ran:
            assert time.monotonic() < until
            time.sleep(0.005)
        return Turn(
            ran=self.ran[ran:], said=str(answer.get("text") or ""), asks=bool(self._question)
        )

    def _reports(self) -> int:
        return len(getattr(self._hook, "outcomes", ()))

    def close(self) -> None:
        for client in (self._manager, self._skills):
            client.disconnect()
            client.loop_stop()
        for mqtt in self.clients:
            mqtt.stop()
        for broker in self.brokers:
            broker.stop()

    def _bridge(self, hook: AskingHook) -> None:
        gate = Gate(
            hook,
            runtime="hermes",
            pin=PIN,
            proof_key=PROOF_KEY,
            now=lambda: self._now or datetime.now(UTC),
        )
        self.clients = [
            Mqtt(MqttSettings(url=f"mqtt://127.0.0.1:{each.port}")) for each in self.brokers
        ]
        bridge = HermesBridge(
            gate,
            *(each.publish for each in self.clients),
            words=Words(yes_intents=["Yes"], no_intents=["No"]),
        )
        threading.Thread(target=bridge_brokers, args=(bridge, *self.clients), daemon=True).start()
        for each in self.clients:
            _wait(each.subscribed.is_set)

    def _client(
        self, port: int, topics: tuple[str, ...], handle: Callable[[str, bytes], None]
    ) -> Client:
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_socket_open = send_at_once
        ready = threading.Event()

        def received(_: Client, __: Any, message: MQTTMessage) -> None:
            handle(message.topic, message.payload)

        client.on_message = received
        client.on_subscribe = lambda *_: ready.set()
        client.on_connect = lambda client, *_: client.subscribe([(each, 1) for each in topics])

        def connects() -> bool:
            try:
                client.connect("127.0.0.1", port)
            except OSError:  # the broker is starting
                return False
            return True

        _wait(connects)
        client.loop_start()
        _wait(ready.is_set)
        return client

    def _on_answer(self, topic: str, payload: bytes) -> None:
        with self._arrived:
            self.answered.append((topic, json.loads(payload)))
            self._arrived.notify_all()

    def _on_skill(self, topic: str, payload: bytes) -> None:
        name = topic.removeprefix("hermes/intent/")
        if name == topic:
            self.told.append(topic)
        elif name != "Yes":
            self.ran.append(name)
            session = json.loads(payload)["sessionId"]
            self._skills.publish(ANSWERS[0], json.dumps({"sessionId": session}), qos=1)


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + TURN_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def runtime(hook: AskingHook) -> Rhasspy:
    return Rhasspy(hook)


def unguarded() -> Rhasspy:
    return Rhasspy(None)
