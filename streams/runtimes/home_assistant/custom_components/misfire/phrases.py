"""What the assistant says, in the language of the conversation."""

from __future__ import annotations

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN

__all__ = ["phrase"]


async def phrase(hass: HomeAssistant, language: str | None, key: str, **values: str) -> str:
    """Return a sentence of the translations, with values filled in."""
    found = await async_get_translations(
        hass, language or hass.config.language, "exceptions", [DOMAIN]
    )
    text = found.get(f"component.{DOMAIN}.exceptions.{key}.message", key.replace("_", " "))
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
