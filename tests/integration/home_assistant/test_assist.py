"""The ways in which a command reaches its intent: an Assist pipeline, an agent's tool, a list."""

from __future__ import annotations

from typing import Any

import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context
from homeassistant.helpers import intent
from homeassistant.setup import async_setup_component
from house import House, Installing


async def _pipeline(house: House, client: Any, text: str) -> str:
    """Run the preferred pipeline on a text and return what it says."""
    await client.send_json_auto_id(
        {
            "type": "assist_pipeline/run",
            "start_stage": "intent",
            "end_stage": "intent",
            "input": {"text": text},
        }
    )
    said = ""
    while True:
        message = await client.receive_json()
        event = message.get("event") or {}
        if event.get("type") == "intent-end":
            response = event["data"]["intent_output"]["response"]
            said = response["speech"]["plain"]["speech"]
        if event.get("type") in ("run-end", "error"):
            await house.hass.async_block_till_done()
            return str(said)


async def test_an_assist_pipeline_asks_and_understands_the_pin(
    install: Installing, hass_ws_client: Any
) -> None:
    pytest.importorskip("haffmpeg", reason="the pipeline's own packages are not installed")
    house = await install(phones=[])
    assert await async_setup_component(house.hass, "assist_pipeline", {})
    client = await hass_ws_client(house.hass)

    asked = await _pipeline(house, client, "unlock the front door")
    assert asked == "Please say your PIN."
    assert house.state("lock.front") == "locked"

    await _pipeline(house, client, "4711")
    assert house.state("lock.front") == "unlocked"


async def test_a_language_models_tool_is_guarded(install: Installing) -> None:
    llm = pytest.importorskip("homeassistant.helpers.llm", reason="since 2024.6")
    house = await install()
    context = llm.LLMContext(
        platform="test",
        context=Context(),
        language="en",
        assistant="conversation",
        device_id=None,
    )
    api = await llm.async_get_api(house.hass, "assist", context)

    # Later versions put the integration before the name.
    tool = next(each.name for each in api.tools if each.name.endswith("HassTurnOff"))
    answer = await api.async_call_tool(
        llm.ToolInput(tool_name=tool, tool_args={"name": "Front door"})
    )

    assert house.state("lock.front") == "locked"
    assert "PIN" in str(answer)
    await house.tap(accept=True)
    assert house.state("lock.front") == "unlocked"


async def test_a_list_and_a_timer(install: Installing, decisions: list[str]) -> None:
    house = await install()
    ran: list[str] = []

    class Handler(intent.IntentHandler):
        def __init__(self, name: str) -> None:
            self.intent_type = name

        async def async_handle(self, intent_obj: intent.Intent) -> intent.IntentResponse:
            ran.append(intent_obj.intent_type)
            return intent_obj.create_response()

    for name in ("HassShoppingListAddItem", "HassStartTimer"):
        intent.async_register(house.hass, Handler(name))
        await intent.async_handle(house.hass, "test", name, {"item": {"value": "milk"}})

    await house.hass.async_block_till_done()
    assert ran == ["HassShoppingListAddItem", "HassStartTimer"]
    assert decisions == ["allow", "allow"]


async def test_two_kinds_of_entities_count_as_the_more_dangerous(install: Installing) -> None:
    house = await install()
    house.hass.states.async_set("lock.hall", "locked", {"friendly_name": "Hall"})
    house.hass.states.async_set("light.hall", "on", {"friendly_name": "Hall"})
    async_expose_entity(house.hass, "conversation", "lock.hall", True)

    response = await intent.async_handle(
        house.hass, "test", "HassTurnOff", {"name": {"value": "Hall"}}
    )

    assert response.response_type is intent.IntentResponseType.QUERY_ANSWER
    assert house.state("lock.hall") == "locked"
