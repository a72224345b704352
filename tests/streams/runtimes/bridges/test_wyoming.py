"""The Wyoming bridge, with the clients and servers of Wyoming's own package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wyoming.asr import Transcript
from wyoming.handle import NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Entity, Intent, NotRecognized, Recognize

from detector.contracts.decisions import Verdict
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook
from tests.streams.runtimes.bridges.pipeline import Pipeline, runtime

SEND = Command(intent="messages.SendMessage", slots={"contact": "alice"})
LAMP = Command(intent="lights.TurnOn", slots={"room": "attic"})


@pytest.fixture
def hook() -> ScriptedHook:
    return ScriptedHook()


@pytest.fixture
def pipeline(hook: ScriptedHook) -> Iterator[Pipeline]:
    started = runtime(hook)
    yield started
    started.close()


@pytest.fixture
def executing(hook: ScriptedHook) -> Iterator[Pipeline]:
    """A pipeline that executes the intents it gets itself."""
    started = Pipeline(hook, handles=False)
    yield started
    started.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_the_bridge_keeps_every_promise(
    promise: Promise, pipeline: Pipeline, hook: ScriptedHook
) -> None:
    promise(pipeline, hook)


@pytest.mark.parametrize("promise", PROMISES[:5], ids=lambda each: each.__name__)
def test_a_pipeline_that_executes_intents_gets_only_those_that_may_run(
    promise: Promise, executing: Pipeline, hook: ScriptedHook
) -> None:
    promise(executing, hook)


def test_an_intent_that_the_pipeline_recognised_is_decided(
    pipeline: Pipeline, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.BLOCK)

    answer = pipeline.ask(pipeline.address, Intent("TurnOn", [Entity("room", "attic")]).event())

    assert NotHandled.is_type(answer.type)
    assert hook.events[0].intent == "assistant.TurnOn"
    assert not pipeline.ran


def test_a_request_to_recognise_is_answered_in_its_own_terms(
    executing: Pipeline, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.BLOCK)
    text = '{"intent": "lights.TurnOn", "slots": {}}'

    answer = executing.ask(executing.address, Recognize(text=text).event())

    assert NotRecognized.is_type(answer.type)
    assert answer.data["context"]["misfire"] == "block"


def test_another_command_instead_of_a_reply_is_handled_as_one(
    pipeline: Pipeline, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    pipeline.say(SEND)
    hook.script = Script()

    assert pipeline.say(LAMP).ran == ["lights.TurnOn"]
    assert not pipeline.answer(accepted=True).ran
    assert not hook.answers


def test_words_that_nothing_understands_get_the_services_answer(
    pipeline: Pipeline, hook: ScriptedHook
) -> None:
    answer = pipeline.ask(pipeline.address, Transcript(text="xyzzy").event())

    assert NotHandled.is_type(answer.type)
    assert answer.data["text"] == "Sorry, what?"
    assert not hook.events


def test_a_service_that_is_gone_ends_the_turn(pipeline: Pipeline, hook: ScriptedHook) -> None:
    pipeline.bridge.services = type(pipeline.bridge.services)(recognize="tcp://127.0.0.1:1")

    turn = pipeline.say(LAMP)

    assert not turn.ran
    assert "could not be handled" in turn.said
    assert not hook.events


def test_the_bridge_describes_the_service_behind_it(pipeline: Pipeline) -> None:
    info = Info.from_event(pipeline.ask(pipeline.address, Describe().event()))

    assert [program.name for program in info.handle] == ["home"]


def test_a_yes_from_another_satellite_of_the_conversation_answers_nothing(
    pipeline: Pipeline, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    assert pipeline.say(LAMP).asks
    other = {"conversation_id": "talk-kitchen", "satellite_id": "bedroom"}

    turn = pipeline.hear(Transcript(text="yes", context=other).event())

    assert not turn.ran
    assert not hook.answers
    assert pipeline.answer(accepted=True).ran == ["lights.TurnOn"]


def test_the_event_names_the_satellite(pipeline: Pipeline, hook: ScriptedHook) -> None:
    pipeline.say(LAMP)

    (event,) = hook.events
    assert (event.device_id, event.runtime) == ("kitchen", "wyoming")
    assert event.slots == {"room": "attic"}
