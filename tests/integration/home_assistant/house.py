"""The home that the tests set up, and what happens in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.components import conversation
from homeassistant.core import Context, HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

ENTITIES = {
    "light.kitchen": ("off", {"friendly_name": "Kitchen light"}),
    "lock.front": ("locked", {"friendly_name": "Front door"}),
    "cover.garage": ("closed", {"friendly_name": "Garage door", "device_class": "garage"}),
    "cover.blinds": ("closed", {"friendly_name": "Bedroom blinds", "device_class": "blind"}),
}
SERVICES = {
    ("light", "turn_on"): "on",
    ("light", "turn_off"): "off",
    ("lock", "lock"): "locked",
    ("lock", "unlock"): "unlocked",
    ("cover", "open_cover"): "open",
    ("cover", "close_cover"): "closed",
}
OPTIONS = {
    "classes": ["physical", "purchase", "private_outbound", "reversible"],
    "phones": ["mobile_app_anna"],
    "pin": "4711",
    "challenge": True,
    "spoken": True,
}


class House:
    """A home: what its phones got, and what to say to its assistant."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.hass = hass
        self.notified: list[dict[str, Any]] = []
        self.entry: MockConfigEntry | None = None

    async def say(self, text: str, conversation_id: str | None = None) -> str:
        """Say a sentence to the assistant, wait for all that follows, and return its answer."""
        said = await self.converse(text, conversation_id)
        await self.hass.async_block_till_done()
        return said

    async def converse(self, text: str, conversation_id: str | None = None) -> str:
        """Say a sentence to the assistant and return its answer."""
        result = await conversation.async_converse(
            self.hass, text, conversation_id, Context(user_id="anna"), language="en"
        )
        return str(result.response.speech["plain"]["speech"])

    def state(self, entity_id: str) -> str:
        """Return an entity's state."""
        found = self.hass.states.get(entity_id)
        assert found is not None, entity_id
        return found.state

    def questions(self) -> list[dict[str, Any]]:
        """Return the notifications with actions."""
        return [each for each in self.notified if "actions" in each.get("data", {})]

    async def tap(self, *, accept: bool) -> None:
        """Tap on the latest question's yes or no."""
        actions = self.questions()[-1]["data"]["actions"]
        self.hass.bus.async_fire(
            "mobile_app_notification_action", {"action": actions[0 if accept else 1]["action"]}
        )
        await self.hass.async_block_till_done()

    async def loaded(self) -> Any:
        """Wait until misfire has loaded, and return its guard."""
        assert self.entry is not None
        guard = self.hass.data["misfire"][self.entry.entry_id]
        await guard.opened
        await self.hass.async_block_till_done()
        return guard


Installing = Callable[..., Awaitable[House]]
