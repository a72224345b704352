"""Sensors: decisions by verdict, the last interruption, and the share of interrupted commands."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddEntitiesCallback

from .entity import MisfireEntity
from .record import Record

PARALLEL_UPDATES = 0
#: The days over which the share of interrupted commands is counted.
WINDOW = timedelta(days=7)
_MOST_IN_WINDOW = 10_000
_VERDICTS = {"allowed": "allow", "asked": "confirm", "blocked": "block"}


async def async_setup_entry(
    hass: HomeAssistant,  # noqa: ARG001 - Home Assistant's signature
    entry: ConfigEntry,
    async_add_entities: AddEntitiesCallback,
) -> None:
    """Add the sensors."""
    async_add_entities(
        [
            *(VerdictCount(entry, key, verdict) for key, verdict in _VERDICTS.items()),
            LastInterruption(entry, "last_interruption"),
            InterruptedShare(entry, "interrupted_share"),
        ]
    )


class VerdictCount(MisfireEntity, RestoreSensor):
    """The number of decisions with one verdict."""

    _attr_state_class = SensorStateClass.TOTAL_INCREASING
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, entry: ConfigEntry, key: str, verdict: str) -> None:
        super().__init__(entry, key)
        self._verdict = verdict
        self._count = 0

    async def async_added_to_hass(self) -> None:
        """Continue the count of before the restart."""
        await super().async_added_to_hass()
        if (before := await self.async_get_last_sensor_data()) and before.native_value:
            self._count = int(str(before.native_value))

    @property
    def native_value(self) -> int:
        """The count."""
        return self._count

    def take(self, record: Record) -> None:
        """Count a decision; answers to questions are no decisions."""
        if not record.result and record.verdict == self._verdict:
            self._count += 1


class LastInterruption(MisfireEntity, RestoreSensor):
    """When a command was last asked about or blocked."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP

    async def async_added_to_hass(self) -> None:
        """Continue with the value of before the restart."""
        await super().async_added_to_hass()
        if (before := await self.async_get_last_sensor_data()) and isinstance(
            before.native_value, datetime
        ):
            self._attr_native_value = before.native_value

    def take(self, record: Record) -> None:
        """Remember an interruption."""
        if not record.result and record.verdict != "allow":
            self._attr_native_value = record.time
            self._attr_extra_state_attributes = {
                "intent": record.intent,
                "verdict": record.verdict,
                "reasons": list(record.reasons),
            }


class InterruptedShare(MisfireEntity, SensorEntity):
    """The share of the last seven days' commands that were interrupted, since the last start.

    The policy's budget is for commands that were meant, so this share is an upper bound of it.
    """

    _attr_native_unit_of_measurement = PERCENTAGE
    _attr_state_class = SensorStateClass.MEASUREMENT
    _attr_suggested_display_precision = 1
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    def __init__(self, entry: ConfigEntry, key: str) -> None:
        super().__init__(entry, key)
        self._recent: deque[tuple[datetime, bool]] = deque(maxlen=_MOST_IN_WINDOW)

    def take(self, record: Record) -> None:
        """Count a command."""
        if record.result:
            return
        self._recent.append((record.time, record.verdict != "allow"))
        while record.time - self._recent[0][0] > WINDOW:
            self._recent.popleft()
        interrupted = sum(each for _, each in self._recent)
        self._attr_native_value = 100.0 * interrupted / len(self._recent)
        self._attr_extra_state_attributes = {"commands": len(self._recent)}
