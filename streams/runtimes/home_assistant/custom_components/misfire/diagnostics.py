"""Diagnostics for a bug report: settings without secrets, and counts. Nothing spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent

from .const import CONF_KEYRING, CONF_PHONES, CONF_PIN, CONF_PROOF_KEY, DOMAIN
from .handlers import Guarded

if TYPE_CHECKING:
    from .guard import CommandGuard

_SECRET = {CONF_KEYRING, CONF_PHONES, CONF_PIN, CONF_PROOF_KEY, "token", "url"}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ConfigEntry
) -> dict[str, Any]:
    """Return the diagnostics of the entry."""
    guard: CommandGuard = hass.data[DOMAIN][entry.entry_id]
    handlers = hass.data.get(intent.DATA_KEY) or {}
    return {
        "data": async_redact_data(dict(entry.data), _SECRET),
        "options": async_redact_data(dict(entry.options), _SECRET),
        "loaded": guard.opened.done(),
        "guards_handlers": isinstance(handlers, Guarded),
        "handlers": len(handlers),
        "open_questions": guard.questions.count,
        "snoozed": guard.snoozed_until is not None,
        "latest": guard.latest.as_attributes() if guard.latest else None,
    }
