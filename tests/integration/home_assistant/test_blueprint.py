"""The blueprint that asks on a phone about commands that did not run."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import custom_components.misfire as package
import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.setup import async_setup_component
from house import House, Installing

NAME = "ask_on_phone.yaml"


@pytest.fixture
async def automated(install: Installing, hass: HomeAssistant) -> House:
    """Set up an automation of the blueprint, in a home that cannot confirm a lock."""
    house = await install(phones=[], pin="")
    target = Path(hass.config.path("blueprints/automation/misfire"))

    def copy() -> None:
        target.mkdir(parents=True)
        shutil.copy2(Path(package.__file__).parent / "blueprints" / "automation" / NAME, target)

    await hass.async_add_executor_job(copy)
    use = {"path": f"misfire/{NAME}", "input": {"phone": "notify.mobile_app_anna"}}
    assert await async_setup_component(
        hass, "automation", {"automation": [{"alias": "asking", "use_blueprint": use}]}
    )
    await hass.async_block_till_done()
    # The first decision of an entity has no state before it, as after a restart.
    await house.say("turn on the kitchen light")
    return house


async def test_a_stopped_command_can_be_labelled(automated: House) -> None:
    guard = await automated.loaded()
    labelled = _labels(guard)

    actions = await _asked(automated)
    await _tap(automated, actions[0], lambda: bool(labelled))

    assert labelled[0] == (guard.latest.event_id, "misfire")


async def test_a_command_that_was_meant_pauses_the_questions(automated: House) -> None:
    guard = await automated.loaded()
    labelled = _labels(guard)

    actions = await _asked(automated)
    await _tap(automated, actions[1], lambda: guard.snoozed_until is not None)

    assert labelled[0] == (guard.latest.event_id, "meant")


def _labels(guard: Any) -> list[tuple[str, str]]:
    """Return the labels that the hook gets from now on."""
    hook, found = guard.opened.result().hook, list[tuple[str, str]]()
    label = hook.label

    def labelling(event_id: str, kind: Any, **given: Any) -> Any:
        found.append((event_id, kind.value))
        return label(event_id, kind, **given)

    hook.label = labelling
    return found


async def _asked(house: House) -> list[str]:
    """Announce a question that nobody answered; return the actions of the notification.

    The automation then waits, so nothing may wait for the automation.
    """
    guard = await house.loaded()
    record = replace(guard.latest, intent="lock.HassTurnOff", result="expired")
    async_dispatcher_send(house.hass, "misfire_decision", record)
    await _until(lambda: bool(house.questions()))
    return [each["action"] for each in house.questions()[-1]["data"]["actions"]]


async def _tap(house: House, action: str, done: Callable[[], bool]) -> None:
    """Tap until it has an effect: the automation begins to wait only after it has notified."""

    def tapped() -> bool:
        house.hass.bus.async_fire("mobile_app_notification_action", {"action": action})
        return done()

    await _until(tapped)


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.05)
