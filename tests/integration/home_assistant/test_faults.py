"""Faults around a decision: it never lets a command run that was asked about, and voice goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from homeassistant.core import HomeAssistant, ServiceCall
from house import House, Installing


@pytest.fixture
async def asked_about_everything(install: Installing) -> House:
    """Return a home that asks about each command."""
    house = await install()
    guard = await house.loaded()
    await house.say("unlock the front door")
    (question,) = guard.questions._open.values()
    await house.tap(accept=False)
    guard.opened.result().gate.check = lambda _heard: question.ruling
    return house


async def test_a_command_that_cannot_be_asked_about_does_not_run(
    asked_about_everything: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = asked_about_everything
    guard = await house.loaded()

    async def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(guard.questions._phones, "ask", broken)

    assert "could not be checked" in await house.say("turn on the kitchen light")
    assert house.state("light.kitchen") == "off"
    assert guard.questions.count == 0


@pytest.mark.parametrize("error", [RuntimeError, KeyError, TimeoutError])
async def test_a_phone_that_fails_leaves_the_pin(
    install: Installing, hass: HomeAssistant, error: type[Exception]
) -> None:
    house = await install()

    async def failing(_call: ServiceCall) -> None:
        raise error("broken on purpose")

    hass.services.async_register("notify", "mobile_app_anna", failing)

    assert "PIN" in await house.say("unlock the front door")
    assert house.state("lock.front") == "locked"
    await house.say("4711")
    assert house.state("lock.front") == "unlocked"


async def test_a_phone_that_never_answers_does_not_delay_voice(
    install: Installing, hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await install()
    monkeypatch.setattr("custom_components.misfire.phones.SEND_SECONDS", 0.1)
    released = asyncio.Event()

    async def hanging(_call: ServiceCall) -> None:
        await released.wait()

    hass.services.async_register("notify", "mobile_app_anna", hanging)
    guard = await house.loaded()
    saying = hass.async_create_task(house.say("unlock the front door"))
    async with asyncio.timeout(30):
        while not guard.questions.count:  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.05)
    released.set()

    assert "PIN" in await saying
    assert house.state("lock.front") == "locked"


@pytest.fixture
def hung() -> Iterator[Any]:
    """Return a check that ends only with the test."""
    ended = threading.Event()
    yield lambda _heard: ended.wait(60)
    ended.set()


async def test_a_check_that_hangs_lets_lights_work_and_refuses_locks(
    install: Installing, monkeypatch: pytest.MonkeyPatch, hung: Any
) -> None:
    house = await install()
    guard = await house.loaded()
    monkeypatch.setattr("custom_components.misfire.guard.CHECK_SECONDS", 0.1)
    gate = guard.opened.result().gate
    gate.check = hung

    await house.converse("turn on the kitchen light")
    await house.converse("unlock the front door")

    assert house.state("light.kitchen") == "on"
    assert house.state("lock.front") == "locked"
