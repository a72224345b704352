"""The Hermes bridge between a dialogue manager and skills, on a real mosquitto."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from detector.contracts.decisions import Verdict
from streams.runtimes import Gate
from streams.runtimes.bridges.hermes import HermesBridge
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook
from tests.streams.runtimes.bridges.rhasspy import Rhasspy, runtime

SEND = Command(intent="messages.SendMessage", slots={"contact": "alice"})
LAMP = Command(intent="lights.TurnOn", slots={"room": "attic"})


@pytest.fixture(scope="module")
def hook() -> ScriptedHook:
    return ScriptedHook()


@pytest.fixture(scope="module")
def started(hook: ScriptedHook) -> Iterator[Rhasspy]:
    started = runtime(hook)
    yield started
    started.close()


@pytest.fixture
def rhasspy(started: Rhasspy, hook: ScriptedHook) -> Rhasspy:
    hook.__init__()  # type: ignore[misc] # the bridge keeps its hook
    return started


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_the_bridge_keeps_every_promise(
    promise: Promise, rhasspy: Rhasspy, hook: ScriptedHook
) -> None:
    promise(rhasspy, hook)


def test_the_bridges_messages_wait_for_no_acknowledgement(rhasspy: Rhasspy) -> None:
    for mqtt in rhasspy.clients:
        opened = mqtt._client.socket()
        assert isinstance(opened, socket.socket)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_event_names_the_site_and_the_confidence(rhasspy: Rhasspy, hook: ScriptedHook) -> None:
    rhasspy.say(LAMP)

    (event,) = hook.events
    assert (event.intent, event.device_id, event.runtime) == ("lights.TurnOn", "kitchen", "hermes")
    assert event.slots == {"room": "attic"}
    assert event.intent_confidence == 0.9
    assert event.asr_confidence is None


def test_another_command_instead_of_a_reply_is_handled_as_one(
    rhasspy: Rhasspy, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    rhasspy.say(SEND)
    hook.script = Script()

    assert rhasspy.publish(
        "hermes/intent/lights.TurnOn", {"intent": {}, "siteId": "kitchen"}
    ).ran == ["lights.TurnOn"]
    assert not hook.answers


def test_a_reply_that_is_neither_yes_nor_no_ends_the_session(
    rhasspy: Rhasspy, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    rhasspy.say(SEND)

    turn = rhasspy.publish("hermes/dialogueManager/intentNotRecognized", {"input": "what"})

    assert not turn.ran
    assert turn.said
    assert not hook.answers


class Wire:
    """A bridge without a broker."""

    def __init__(self) -> None:
        self.hook = ScriptedHook()
        self.sent: list[tuple[str, bytes]] = []
        self.bridge = HermesBridge(
            Gate(self.hook),
            lambda *sent: self.sent.append(sent),
            lambda topic, _: self.sent.append((topic, b"to skills")),
        )


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff"])
def test_an_intent_that_is_no_message_does_not_run(payload: bytes) -> None:
    wire = Wire()
    wire.bridge.from_rhasspy("hermes/intent/lights.TurnOn", payload)
    assert not wire.sent


def test_an_intent_that_cannot_be_handled_ends_its_session() -> None:
    wire = Wire()

    def fails(_: object) -> None:
        raise RuntimeError

    wire.bridge._gate.check = fails  # type: ignore[method-assign, assignment]
    wire.bridge.from_rhasspy("hermes/intent/lights.TurnOn", b'{"sessionId": "s1"}')

    ((topic, payload),) = wire.sent
    assert topic == "hermes/dialogueManager/endSession"
    assert json.loads(payload)["sessionId"] == "s1"


def test_messages_of_a_session_pass_in_one_direction_each() -> None:
    wire = Wire()
    started, start = "hermes/dialogueManager/sessionStarted", "hermes/dialogueManager/startSession"
    for topic in (started, start, "hermes/asr/startListening"):
        wire.bridge.from_rhasspy(topic, b"{}")
    for topic in (started, start, "hermes/intent/lights.TurnOn"):
        wire.bridge.from_skills(topic, b"{}")

    assert wire.sent == [(started, b"to skills"), (start, b"{}")]


def test_an_intent_does_not_wait_for_a_broker_that_is_gone() -> None:
    hook, sent = ScriptedHook(), list[str]()

    def gone(*_: object) -> None:
        raise ConnectionError

    bridge = HermesBridge(Gate(hook), lambda topic, _: sent.append(topic), gone)
    bridge.from_rhasspy("hermes/intent/lights.TurnOn", b'{"sessionId": "s1"}')

    assert sent == ["hermes/dialogueManager/endSession"]


def test_a_command_whose_session_ends_without_its_skill_is_not_reported() -> None:
    wire = Wire()
    wire.bridge.from_rhasspy("hermes/intent/lights.TurnOn", b'{"sessionId": "s1"}')
    wire.bridge.from_rhasspy("hermes/dialogueManager/sessionEnded", b'{"sessionId": "s1"}')
    wire.bridge.from_skills("hermes/dialogueManager/endSession", b'{"sessionId": "s1"}')
    assert not wire.hook.outcomes
