"""The guard inside a real skill of the ASK SDK, with the requests of Alexa's service."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ask_sdk_core.handler_input import HandlerInput
from ask_sdk_core.skill_builder import SkillBuilder

import streams.runtimes.alexa
from detector.contracts.confirmations import proof_of
from streams.files.keyring import new_keyring, write_keyring
from streams.hook import Act, ConfirmMethod, Decision, IntentEvent, Verdict
from streams.runtimes import Action, Gate, Heard, Ruling
from streams.runtimes.alexa import guard_skill, is_complete, packed, unpacked
from streams.runtimes.contract import PROMISES, Command, Promise, Script, ScriptedHook
from tests.streams.runtimes.alexa.at_home import AtHome
from tests.streams.runtimes.alexa.skill import Alexa, runtime

LIGHT = Command(intent="TurnOn", slots={"room": "kitchen"})


class OnPhone(ScriptedHook):
    """Asks for every command, and only a phone can answer."""

    proof: object = None

    def decide(self, event: IntentEvent) -> Decision:
        self.script = Script(verdict=Verdict.CONFIRM)
        decision = super().decide(event)
        assert decision.confirm is not None
        phone = replace(decision.confirm, methods=(ConfirmMethod.PHONE_PUSH, ConfirmMethod.PIN))
        return replace(decision, confirm=phone)

    def confirm(self, *args: Any, **kwargs: Any) -> Any:
        self.proof = kwargs["proof"]
        return super().confirm(*args, **kwargs)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_a_guarded_skill_keeps_every_promise(promise: Promise) -> None:
    hook = ScriptedHook()

    promise(runtime(hook), hook)


def test_the_lines_of_the_page_guard_a_skill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(str(streams.runtimes.alexa.__file__)).with_name("alexa.md").read_text("utf-8")
    (lines,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    write_keyring(tmp_path / "skill.keys.json", new_keyring("home", datetime.now(UTC)))
    names: dict[str, Any] = {}

    def guard(builder: SkillBuilder) -> None:
        names["builder"] = builder
        exec(lines.replace("builder = SkillBuilder()\n", ""), names)

    alexa = Alexa(guard)
    with names["hook"]:
        alexa.say(LIGHT)
        turn = alexa.say(Command(intent="UnlockFrontDoor"))

    assert alexa.ran == ["TurnOn"]
    assert "I did not do that" in turn.said


def test_a_question_becomes_a_dialogue_of_alexa() -> None:
    alexa = runtime(ScriptedHook(Script(verdict=Verdict.CONFIRM)))

    alexa.say(LIGHT)

    (directive,) = alexa.response["directives"]
    assert directive["type"] == "Dialog.ConfirmIntent"
    assert directive["updatedIntent"]["slots"]["room"]["value"] == "kitchen"
    assert alexa.response["shouldEndSession"] is False
    assert "reprompt" in alexa.response


def test_a_confirmation_with_other_slots_is_a_new_command() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.CONFIRM))
    alexa = runtime(hook)
    alexa.say(LIGHT)
    hook.script = Script(verdict=Verdict.BLOCK)

    turn = alexa.intent(
        Command(intent="TurnOn", slots={"room": "attic"}), confirmationStatus="CONFIRMED"
    )

    assert not turn.ran
    assert not hook.answers
    assert len(hook.events) == 2


def test_a_confirmation_that_the_guard_did_not_ask_for_is_an_affirmation() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.BLOCK))

    assert not runtime(hook).intent(LIGHT, confirmationStatus="CONFIRMED").ran
    assert hook.events[0].act is Act.AFFIRM
    assert hook.events[0].commits


def test_attributes_that_are_no_question_are_ignored() -> None:
    alexa = runtime(ScriptedHook())
    alexa.attributes = {"misfire_question": '{"event": 1}'}

    assert alexa.intent(LIGHT, confirmationStatus="CONFIRMED").ran == ["TurnOn"]


@pytest.mark.parametrize("name", ["AMAZON.StopIntent", "AMAZON.CancelIntent", "AMAZON.HelpIntent"])
def test_a_user_can_always_stop(name: str) -> None:
    hook = ScriptedHook(Script(verdict=Verdict.BLOCK))

    assert runtime(hook).say(Command(intent=name)).ran == [name]
    assert not hook.outcomes


def test_other_requests_pass() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.BLOCK))
    alexa = runtime(hook)

    alexa.request({"type": "LaunchRequest"})

    assert "Welcome." in alexa.response["outputSpeech"]["ssml"]
    assert not hook.events


def test_the_event_has_the_account_the_device_and_the_resolved_values() -> None:
    hook = ScriptedHook()
    matched = {"values": [{"value": {"name": "Kitchen lamp", "id": "1"}}]}
    slot = {
        "name": "lamp",
        "value": "the lamp in the kitchen",
        "resolutions": {
            "resolutionsPerAuthority": [
                {"authority": "a", "status": {"code": "ER_SUCCESS_MATCH"}, **matched}
            ]
        },
    }

    Alexa(lambda builder: guard_skill(builder, hook, domain="lights")).intent(
        Command(intent="TurnOn"), slots={"lamp": slot, "room": {"name": "room"}}
    )

    (event,) = hook.events
    assert event.intent == "lights.TurnOn"
    assert event.slots == {"lamp": "Kitchen lamp"}
    assert event.household_id.startswith("id-")
    assert event.session_id.startswith("amzn1.echo-api.session.")
    assert event.runtime == "alexa"


def test_a_dialogue_that_alexa_continues_does_not_commit_yet() -> None:
    hook = ScriptedHook(Script(verdict=Verdict.BLOCK))

    turn = Alexa(lambda builder: guard_skill(builder, hook, commits=is_complete)).say(LIGHT)

    assert turn.ran == ["TurnOn"]
    assert [event.commits for event in hook.events] == [False]
    assert not hook.outcomes


def test_an_author_can_say_which_command_a_yes_belongs_to() -> None:
    hook = ScriptedHook()

    def describe(_: HandlerInput, heard: Heard) -> Heard:
        return replace(heard, intent="messages.SendMessage")

    Alexa(lambda builder: guard_skill(builder, hook, describe=describe)).say(
        Command(intent="AMAZON.YesIntent")
    )

    assert hook.events[0].intent == "messages.SendMessage"
    assert hook.events[0].act is Act.AFFIRM


def test_a_handler_that_fails_is_not_reported() -> None:
    hook = ScriptedHook()
    alexa = runtime(hook)
    alexa.failing = True

    assert alexa.say(LIGHT).said == "<speak>Sorry.</speak>"
    assert not hook.outcomes


def test_where_a_spoken_yes_does_not_count_the_phone_asks() -> None:
    hook, sent = OnPhone(), list[str]()
    gates = list[Gate]()

    def guard(builder: Any) -> None:
        gates.append(
            guard_skill(
                builder,
                hook,
                ask_on_phone=lambda _, ruling: sent.append(packed(ruling)),
                proof_key=b"key",
            )
        )

    alexa = Alexa(guard)
    turn = alexa.say(LIGHT)

    assert not turn.ran
    assert not turn.asks
    assert alexa.response["card"]["type"] == "Simple"
    assert "phone" in turn.said
    asked = unpacked(sent[0])
    assert asked is not None
    assert gates[0].answer(asked, accepted=True).action is Action.RUN
    assert hook.proof == proof_of(
        b"key", f"question-{asked.event.event_id}", ConfirmMethod.PHONE_PUSH
    )


def test_without_a_phone_it_refuses() -> None:
    turn = runtime(OnPhone()).say(LIGHT)

    assert not turn.ran
    assert not turn.asks
    assert "not have been meant" in turn.said


@pytest.mark.parametrize("text", [None, 1, "", "{}", "[]", '{"event": 1}', "{"])
def test_a_text_that_is_no_question_is_not_unpacked(text: object) -> None:
    assert unpacked(text) is None


def test_a_packed_question_is_the_same_again() -> None:
    ruling = Gate(ScriptedHook(Script(verdict=Verdict.CONFIRM))).check(
        Heard(intent="lights.TurnOn")
    )

    again = unpacked(packed(ruling))

    assert isinstance(again, Ruling)
    assert (again.event, again.decision, again.method) == (
        ruling.event,
        ruling.decision,
        ruling.method,
    )


def test_a_command_that_the_phone_confirmed_runs_when_it_is_repeated() -> None:
    hook = OnPhone()
    alexa = AtHome(hook)
    assert alexa.say(LIGHT).asks
    hook.decide = ScriptedHook().decide  # type: ignore[method-assign] # what it was confirmed for

    assert alexa.answer(accepted=True).ran == ["TurnOn"]


def test_a_phone_that_cannot_be_reached_ends_the_turn_and_runs_nothing() -> None:
    def unreachable(*_: object) -> None:
        raise ConnectionError("broken on purpose")

    alexa = Alexa(
        lambda builder: guard_skill(builder, OnPhone(), ask_on_phone=unreachable, proof_key=b"key")
    )

    turn = alexa.say(LIGHT)

    assert not turn.ran
    assert "not confirmed" in turn.said
