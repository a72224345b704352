"""The device of the integration, which its entities share."""

from __future__ import annotations

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity

from .const import DOMAIN, SIGNAL
from .record import Record

__all__ = ["MisfireEntity"]


class MisfireEntity(Entity):
    """An entity that each decision updates."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: ConfigEntry, key: str) -> None:
        self._attr_translation_key = key
        self._attr_unique_id = f"{entry.entry_id}-{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            name="misfire",
            manufacturer="misfire",
            entry_type=DeviceEntryType.SERVICE,
        )

    async def async_added_to_hass(self) -> None:
        """Listen to decisions."""
        await super().async_added_to_hass()
        self.async_on_remove(async_dispatcher_connect(self.hass, SIGNAL, self._decided))

    @callback
    def _decided(self, record: Record) -> None:
        """Take a decision into account."""
        self.take(record)
        self.async_write_ha_state()

    def take(self, record: Record) -> None:
        """Change the state by a decision, or by the answer to its question."""
        raise NotImplementedError
