"""What a command is about: the domains and device classes of the entities that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import area_registry, device_registry, entity_registry

__all__ = ["domains_of"]

#: Covers that move nothing a person could come through. Other covers may be a garage door.
_HARMLESS_COVERS = {
    "awning": "blind",
    "blind": "blind",
    "curtain": "curtain",
    "shade": "shade",
    "shutter": "blind",
}


def domains_of(hass: HomeAssistant, slots: Mapping[str, Any]) -> set[str]:
    """Return the domains of the entities that a command's slots name, empty if it names none.

    A blind, curtain or shade has a domain of its own. A floor counts as the whole house.
    """
    wanted = {str(each) for each in _values(slots, "domain")}
    classes = {str(each) for each in _values(slots, "device_class")}
    name = next((str(each).casefold() for each in _values(slots, "name")), None)
    area = next((str(each).casefold() for each in _values(slots, "area")), None)
    found = {
        _domain(hass, state)
        for state in _states(hass, None if name == "all" else name, area)
        if (not wanted or state.domain in wanted)
        and (not classes or _device_class(hass, state) in classes)
    }
    return found or wanted


def _values(slots: Mapping[str, Any], name: str) -> list[Any]:
    slot = slots.get(name)
    value = slot.get("value") if isinstance(slot, Mapping) else None
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _states(hass: HomeAssistant, name: str | None, area: str | None) -> Iterator[State]:
    """Yield the entities with a name and in an area; none if the command names neither."""
    if name is None and area is None:
        return
    entities = entity_registry.async_get(hass)
    for state in hass.states.async_all():
        entry = entities.async_get(state.entity_id)
        if name is not None and name not in _names(state, entry):
            continue
        if name is None and area is not None and area not in _areas(hass, entry):
            continue
        yield state


def _names(state: State, entry: entity_registry.RegistryEntry | None) -> set[str]:
    aliases = entry.aliases if entry else ()
    return {
        state.entity_id,
        state.name.casefold(),
        *(alias.casefold() for alias in aliases if isinstance(alias, str)),
    }


def _areas(hass: HomeAssistant, entry: entity_registry.RegistryEntry | None) -> set[str]:
    """Return the id and the names of an entity's area."""
    if entry is None:
        return set()
    device = device_registry.async_get(hass).async_get(entry.device_id or "")
    area_id = entry.area_id or (device.area_id if device else None)
    area = area_registry.async_get(hass).async_get_area(area_id) if area_id else None
    if area is None:
        return set()
    return {each.casefold() for each in (area.id, area.name, *area.aliases)}


def _device_class(hass: HomeAssistant, state: State) -> str | None:
    entry = entity_registry.async_get(hass).async_get(state.entity_id)
    return (entry.device_class if entry else None) or state.attributes.get("device_class")


def _domain(hass: HomeAssistant, state: State) -> str:
    if state.domain != "cover":
        return state.domain
    return _HARMLESS_COVERS.get(_device_class(hass, state) or "", state.domain)
