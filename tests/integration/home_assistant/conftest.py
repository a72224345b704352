"""Fixtures inside a real Home Assistant: a home with a lock, a garage door, blinds and lights.

These tests run in an environment of their own (``environment.py``), where misfire is what ``misfire
runtimes install home-assistant`` wrote into the configuration directory on ``PYTHONPATH``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from traceback import StackSummary
from typing import Any

import custom_components  # noqa: F401 - before the folder of that name in the test plug-in
import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Event, HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from house import ENTITIES, OPTIONS, SERVICES, House, Installing
from pytest_homeassistant_custom_component.common import MockConfigEntry


@pytest.fixture(autouse=True)
def _no_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the checks of asyncio's debug mode without the stack of each callback.

    The stacks take a fifth of the tests' time.
    """
    monkeypatch.setattr("asyncio.format_helpers.extract_stack", lambda *_: StackSummary())


@pytest.fixture(autouse=True)
def _custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant find the integration."""


@pytest.fixture
async def home(hass: HomeAssistant) -> House:
    """Set up the home, without misfire."""
    house = House(hass)
    await async_setup_component(hass, "homeassistant", {})
    await async_setup_component(hass, "conversation", {})
    await async_setup_component(hass, "intent", {})
    for entity_id, (state, attributes) in ENTITIES.items():
        hass.states.async_set(entity_id, state, attributes)
        async_expose_entity(hass, "conversation", entity_id, True)

    async def called(call: ServiceCall) -> None:
        for entity_id in (
            call.data["entity_id"]
            if isinstance(call.data["entity_id"], list)
            else [call.data["entity_id"]]
        ):
            before = hass.states.get(entity_id)
            assert before is not None
            hass.states.async_set(entity_id, SERVICES[call.domain, call.service], before.attributes)

    for domain, service in SERVICES:
        hass.services.async_register(domain, service, called)

    async def turned(call: ServiceCall) -> None:
        domain = call.data["entity_id"].partition(".")[0]
        await hass.services.async_call(domain, call.service, dict(call.data), blocking=True)

    for service in ("turn_on", "turn_off"):
        hass.services.async_register("homeassistant", service, turned)

    async def notified(call: ServiceCall) -> None:
        house.notified.append(dict(call.data))

    hass.services.async_register("notify", "mobile_app_anna", notified)
    await hass.async_block_till_done()
    return house


@pytest.fixture
async def install(
    home: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Installing]:
    """Return a function that adds misfire to the home, with options."""
    home.hass.config.config_dir = str(tmp_path)

    async def make(**options: Any) -> House:
        home.entry = MockConfigEntry(
            domain="misfire", data={"mode": "embedded"}, options=OPTIONS | options
        )
        home.entry.add_to_hass(home.hass)
        assert await home.hass.config_entries.async_setup(home.entry.entry_id)
        guard = await home.loaded()
        # The first decision opens the file; on a busy machine that may take longer than allowed.
        guard.opened.result().hook._serving.deadline = 20.0
        monkeypatch.setattr("custom_components.misfire.guard.CHECK_SECONDS", 30.0)
        return home

    yield make
    if home.entry is not None and home.entry.state.name == "LOADED":
        await home.hass.config_entries.async_unload(home.entry.entry_id)
        await home.hass.async_block_till_done()


@pytest.fixture
def decisions(hass: HomeAssistant) -> list[str]:
    """Return the types of the decision entity's events, as they happen."""
    found: list[str] = []

    def changed(event: Event) -> None:
        state = event.data["new_state"]
        if state is not None and state.entity_id == "event.misfire_decision":
            kind = state.attributes.get("event_type")
            if kind:
                found.append(kind)

    hass.bus.async_listen("state_changed", changed)
    return found
