"""Tests inside OVOS's own environment; ``test_ovos.py`` runs them there with pytest."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from streams.hook import OutcomeKind, Verdict
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook
from streams.runtimes.contract.stand_in_gateway import StandIn, stand_in_gateway
from tests.streams.runtimes.ovos.assistant import Assistant

LAMP = Command(intent="lights.TurnOn", slots={"room": "attic"})


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
    started.default = False
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
    assistant.say(Command(intent="messages.SendMessage", slots={"contact": "alice"}))
    hook.script = Script()

    assert assistant.say(LAMP).ran == ["lights.TurnOn"]
    assert not hook.answers


def test_a_word_that_no_skill_knows_ends_and_asks_nothing(
    assistant: Assistant, hook: ScriptedHook
) -> None:
    assert not assistant.utter("xyzzy").ran
    assert not hook.events


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
