"""The event entity: one event for each decision and each answer, for automations."""

from __future__ import annotations

from homeassistant.components.event import EventEntity
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddEntitiesCallback

from .entity import MisfireEntity
from .record import Record

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: ConfigEntry,
    async_add_entities: AddEntitiesCallback,
) -> None:
    """Add the entity."""
    async_add_entities([DecisionEvent(entry, "decision")])


class DecisionEvent(MisfireEntity, EventEntity):
    """The latest decision. Its attributes hold nothing that was spoken."""

    _attr_event_types = ["allow", "confirm", "block", "confirmed", "denied", "expired"]

    def take(self, record: Record) -> None:
        """Fire the event of a decision or an answer."""
        self._trigger_event(record.result or record.verdict, record.as_attributes())
