"""Tests inside OVOS's own environment; ``test_ovos.py`` runs them there with pytest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ovos_plugin_manager.templates.pipeline import IntentHandlerMatch

from streams.hook import OutcomeKind, Verdict
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook
from streams.runtimes.contract.stand_in_gateway import StandIn, stand_in_gateway
from streams.runtimes.ovos.matches import heard_in
from streams.runtimes.ovos.sources import Source
from tests.streams.runtimes.ovos.assistant import Assistant

LAMP = Command(intent="lights.TurnOn", slots={"room": "attic"})
MESSAGE = Command(intent="messages.SendMessage", slots={"contact": "alice"})


@pytest.fixture(scope="session")
def gateway() -> Iterator[StandIn]:
    with stand_in_gateway(int(os.environ["GATEWAY_PORT"])) as (_, state):
        yield state


@pytest.fixture(scope="session")
def started(gateway: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    return Assistant(tmp_path_factory.mktemp("skills"), lambda: len(gateway.hook.outcomes))


@pytest.fixture
def hook(gateway: StandIn) -> ScriptedHook:
    gateway.hook = ScriptedHook()
    return gateway.hook


@pytest.fixture
def assistant(started: Assistant) -> Assistant:
    started.forget()
    return started


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_ovos_keeps_every_promise(
    promise: Promise, assistant: Assistant, hook: ScriptedHook
) -> None:
    promise(assistant, hook)


def test_core_loaded_both_plugins_by_their_entry_points(assistant: Assistant) -> None:
    assert set(assistant.core.intent_plugins.loaded_plugins) == {"misfire-guard"}
    assert set(assistant.core.metadata_plugins.loaded_plugins) == {"misfire-source"}


@pytest.mark.parametrize(("reply", "ran"), [("yes please", ["lights.TurnOn"]), ("no", [])])
def test_the_local_device_is_asked_in_the_default_session(
    assistant: Assistant, hook: ScriptedHook, reply: str, ran: list[str]
) -> None:
    assistant.default = True
    hook.script = Script(verdict=Verdict.CONFIRM)

    assert assistant.say(LAMP).asks
    assert assistant.utter(reply).ran == ran
    assert hook.events[-1].session_id != "default"


def test_another_command_instead_of_a_reply_is_handled_as_one(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    assistant.say(MESSAGE)
    hook.script = Script()

    assert assistant.say(LAMP).ran == ["lights.TurnOn"]
    assert not hook.answers


@pytest.mark.parametrize("session", ["default", "one-for-all"])
def test_devices_of_one_session_are_asked_and_reported(
    assistant: Assistant, hook: ScriptedHook, session: str
) -> None:
    assistant.session = session
    assert assistant.say(LAMP).ran == ["lights.TurnOn"]

    hook.script = Script(verdict=Verdict.CONFIRM)
    assert assistant.say(LAMP).asks
    assert assistant.answer(accepted=True).ran == ["lights.TurnOn"]
    assert len(hook.outcomes) == 2
    assert len({event.device_id for event in hook.events}) == 1


def test_a_reply_counts_after_another_device_of_the_session_default_has_spoken(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    assistant.session = "default"
    hook.script = Script(verdict=Verdict.CONFIRM)
    assert assistant.say(MESSAGE).asks
    hook.script = Script()

    assert assistant.say(replace(LAMP, device="bedroom")).ran == ["lights.TurnOn"]
    assert hook.events[-1].device_id != hook.events[0].device_id

    assistant.device = "kitchen"
    assert assistant.answer(accepted=True).ran == ["messages.SendMessage"]
    assert [outcome.outcome for outcome in hook.outcomes] == [OutcomeKind.EXECUTED] * 2


@pytest.mark.parametrize("session", ["default", "one-for-all"])
def test_a_yes_from_another_device_of_the_same_session_answers_nothing(
    assistant: Assistant, hook: ScriptedHook, session: str
) -> None:
    assistant.session = session
    hook.script = Script(verdict=Verdict.CONFIRM)
    assert assistant.say(LAMP).asks

    assistant.device = "bedroom"

    assert not assistant.utter("yes please").ran
    assert not hook.answers


def test_core_does_not_wait_for_the_plugin_after_a_question(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    hook.script = Script(verdict=Verdict.CONFIRM)
    assistant.say(LAMP)
    assistant.answer(accepted=False)
    assistant.answered.clear()
    hook.script = Script()

    assert assistant.say(LAMP).ran == ["lights.TurnOn"]
    assert "misfire" in assistant.answered


def test_a_fault_in_the_plugin_ends_the_utterance_and_runs_nothing(
    assistant: Assistant, hook: ScriptedHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = assistant.core.intent_plugins.loaded_plugins["misfire-guard"]
    hook.script = Script(verdict=Verdict.CONFIRM)
    assistant.say(LAMP)
    monkeypatch.setattr(plugin, "_gate", None)

    turn = assistant.answer(accepted=True)

    assert not turn.ran
    assert "I did not do that" in turn.said


def test_a_word_that_no_skill_knows_ends_and_asks_nothing(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    assert not assistant.utter("xyzzy").ran
    assert not hook.events


def test_a_slot_may_be_called_name_unless_it_repeats_the_match() -> None:
    data = {"name": "garage", "sent": "open the garage", "lang": "en-US", "conf": 1.0}
    match = IntentHandlerMatch("doors:Open.intent", data, "doors", "open the garage")

    assert heard_in(match, Source()).slots == {"name": "garage"}


def test_the_event_names_the_device_and_has_tokens(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    assistant.say(LAMP)

    (event,) = hook.events
    assert event.intent == "lights.TurnOn"
    assert set(event.slots) == {"room"}
    assert event.slots["room"].startswith("k1_")
    assert event.session_id == "session-kitchen"
    assert event.runtime == "ovos"
    assert [outcome.outcome for outcome in hook.outcomes] == [OutcomeKind.EXECUTED]
