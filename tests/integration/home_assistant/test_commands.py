"""What runs, what is asked about, and how a question is answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import intent
from homeassistant.util import dt as dt_util
from house import Installing
from pytest_homeassistant_custom_component.common import async_fire_time_changed


async def test_a_light_turns_on_at_once(install: Installing, decisions: list[str]) -> None:
    house = await install()

    said = await house.say("turn on the kitchen light")

    assert "light" in said.lower()
    assert house.state("light.kitchen") == "on"
    assert decisions == ["allow"]
    assert not house.notified


async def test_a_lock_opens_when_the_phone_confirms(
    install: Installing, decisions: list[str]
) -> None:
    house = await install()

    said = await house.say("unlock the front door")

    assert said == "Please say your PIN, or confirm on your phone."
    assert house.state("lock.front") == "locked"
    assert "unlock the front door" in house.questions()[0]["message"]

    await house.tap(accept=True)

    assert house.state("lock.front") == "unlocked"
    assert decisions == ["confirm", "confirmed"]
    assert house.notified[-1]["message"] == "clear_notification"


async def test_a_no_on_the_phone_keeps_it_locked(install: Installing, decisions: list[str]) -> None:
    house = await install()
    await house.say("unlock the front door")

    await house.tap(accept=False)
    await house.tap(accept=True)

    assert house.state("lock.front") == "locked"
    assert decisions == ["confirm", "denied"]
    assert "no longer open" in house.notified[-1]["message"]


@pytest.mark.parametrize("reply", ["4711", "four seven one one", "my pin is 4711"])
async def test_a_pin_in_the_conversation_runs_the_command(install: Installing, reply: str) -> None:
    house = await install(phones=[])
    assert await house.say("unlock the front door") == "Please say your PIN."

    await house.say(reply)

    assert house.state("lock.front") == "unlocked"


async def test_three_wrong_pins_close_the_question(
    install: Installing, decisions: list[str]
) -> None:
    house = await install(phones=[])
    await house.say("unlock the front door")

    answers = [await house.say("my pin is 1234") for _ in range(3)]
    await house.say("4711")

    assert answers[0] == answers[1] == "That was not right. Please try again."
    assert answers[2] == "OK, I did not do it."
    assert house.state("lock.front") == "locked"
    assert decisions == ["confirm", "denied"]


async def test_no_in_the_conversation_declines(install: Installing) -> None:
    house = await install(phones=[])
    await house.say("unlock the front door")

    assert await house.say("no") == "OK, I did not do it."
    assert house.state("lock.front") == "locked"


async def test_a_question_expires(
    install: Installing, decisions: list[str], hass: HomeAssistant
) -> None:
    house = await install()
    await house.say("unlock the front door")

    async_fire_time_changed(hass, dt_util.utcnow().replace(year=dt_util.utcnow().year + 1))
    await hass.async_block_till_done()
    await house.tap(accept=True)

    assert decisions == ["confirm", "expired"]
    assert house.state("lock.front") == "locked"


async def test_the_device_class_decides_about_a_cover(install: Installing) -> None:
    house = await install()

    await house.say("open the bedroom blinds")
    garage = await house.say("open the garage door")

    assert house.state("cover.blinds") == "open"
    assert "confirm" in garage
    assert house.state("cover.garage") == "closed"


async def test_locking_needs_no_question(install: Installing) -> None:
    house = await install()
    house.hass.states.async_set("lock.front", "unlocked", {"friendly_name": "Front door"})

    await house.say("lock the front door")

    assert house.state("lock.front") == "locked"


async def test_without_phone_and_pin_a_lock_is_refused(install: Installing) -> None:
    house = await install(phones=[], pin="")

    said = await house.say("unlock the front door")

    assert house.state("lock.front") == "locked"
    assert said


async def test_a_class_that_is_not_asked_about_runs(
    install: Installing, decisions: list[str]
) -> None:
    house = await install(classes=["purchase"])

    await house.say("unlock the front door")

    assert house.state("lock.front") == "unlocked"
    assert decisions == ["confirm"]


async def test_handlers_of_later_are_guarded(install: Installing, hass: HomeAssistant) -> None:
    house = await install()
    ran: list[str] = []

    class OpenSafe(intent.IntentHandler):
        intent_type = "OpenSafe"

        async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
            ran.append(intent_obj.intent_type)
            return intent_obj.create_response()

    handler = OpenSafe()
    intent.async_register(hass, handler)
    # What an LLM agent's tool call does.
    response = await intent.async_handle(hass, "test", "OpenSafe", {}, "open the safe")

    assert not ran
    assert response.response_type is intent.IntentResponseType.QUERY_ANSWER
    assert handler in hass.data[intent.DATA_KEY].values()

    await house.tap(accept=True)
    assert ran == ["OpenSafe"]


async def test_the_opposite_command_within_two_minutes_undoes(install: Installing) -> None:
    house = await install()
    guard = await house.loaded()
    reported: list[str] = []
    gate = guard.opened.result().gate
    report = gate.report

    def noted(ruling: object, outcome: Any) -> None:
        reported.append(outcome.value)
        report(ruling, outcome)

    gate.report = noted

    await house.say("turn on the kitchen light")
    await house.say("turn off the kitchen light")

    assert reported == ["executed", "executed", "undone"]


async def test_to_lock_up_a_minute_later_undoes_nothing(install: Installing) -> None:
    house = await install(classes=["purchase"])
    guard = await house.loaded()
    reported: list[str] = []
    gate = guard.opened.result().gate
    gate.report = lambda _ruling, outcome: reported.append(outcome.value)

    await house.say("unlock the front door")
    later = dt_util.utcnow() + timedelta(minutes=1)
    with mock.patch.object(dt_util, "utcnow", return_value=later):
        await house.say("lock the front door")

    assert reported == ["executed", "executed"]


async def test_an_error_of_the_handler_is_no_execution(
    install: Installing, hass: HomeAssistant
) -> None:
    house = await install()
    guard = await house.loaded()
    reported: list[str] = []
    gate = guard.opened.result().gate
    gate.report = lambda _ruling, outcome: reported.append(outcome.value)

    class Broken(intent.IntentHandler):
        intent_type = "HassNevermind"

        async def async_handle(self, _command: intent.Intent) -> intent.IntentResponse:
            raise HomeAssistantError

    intent.async_register(hass, Broken())
    with pytest.raises(intent.IntentError):
        await intent.async_handle(hass, "test", "HassNevermind")
    await hass.async_block_till_done()

    assert reported == ["expired"]


async def test_nothing_spoken_is_stored(install: Installing) -> None:
    house = await install()
    await house.say("turn on the kitchen light")
    await house.say("unlock the front door")
    assert house.entry is not None
    await house.hass.config_entries.async_unload(house.entry.entry_id)

    for file in Path(house.hass.config.path("misfire")).iterdir():  # noqa: ASYNC240 - a test
        content = file.read_bytes().lower()
        assert not any(word in content for word in (b"kitchen", b"front", b"anna")), file


async def test_a_broken_misfire_breaks_no_voice(install: Installing) -> None:
    house = await install()
    guard = await house.loaded()

    def broken(_heard: object) -> None:
        raise RuntimeError("broken on purpose")

    guard.opened.result().gate.check = broken

    await house.say("turn on the kitchen light")
    await house.say("unlock the front door")

    assert house.state("light.kitchen") == "on"
    assert house.state("lock.front") == "locked"


async def test_one_pin_answers_one_question(install: Installing) -> None:
    house = await install(phones=[])
    await house.say("open the garage door")
    await house.say("unlock the front door")

    await house.say("4711")

    assert house.state("lock.front") == "unlocked"
    assert house.state("cover.garage") == "closed"
