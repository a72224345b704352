"""Home Assistant's services as intents, under the names that its voice intents have.

In Home Assistant, HassTurnOn locks a lock and opens a cover
(https://developers.home-assistant.io/docs/intent_builtin).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.contracts.events import INTENT_FORM

__all__ = ["NO_COMMANDS", "REACHES_OTHERS", "intent_of", "slots_of"]

#: Services of any domain.
_OF_ANY: Mapping[str, str] = MappingProxyType(
    {"turn_on": "HassTurnOn", "turn_off": "HassTurnOff", "toggle": "HassToggle"}
)
#: Services of one domain.
_OF_DOMAIN: Mapping[str, str] = MappingProxyType(
    {
        "lock.lock": "HassTurnOn",
        "lock.unlock": "HassTurnOff",
        "cover.open_cover": "HassTurnOn",
        "cover.close_cover": "HassTurnOff",
        "cover.set_cover_position": "HassSetPosition",
        "valve.open_valve": "HassTurnOn",
        "valve.close_valve": "HassTurnOff",
        "valve.set_valve_position": "HassSetPosition",
        "climate.set_temperature": "HassClimateSetTemperature",
        "climate.set_fan_mode": "HassClimateSetFanMode",
        "fan.set_percentage": "HassFanSetSpeed",
        "media_player.media_pause": "HassMediaPause",
        "media_player.media_stop": "HassMediaPause",
        "media_player.media_play": "HassMediaUnpause",
        "media_player.media_play_pause": "HassMediaUnpause",
        "media_player.media_next_track": "HassMediaNext",
        "media_player.media_previous_track": "HassMediaPrevious",
        "media_player.play_media": "HassMediaSearchAndPlay",
        "media_player.volume_set": "HassSetVolume",
        "media_player.volume_up": "HassSetVolumeRelative",
        "media_player.volume_down": "HassSetVolumeRelative",
        "media_player.volume_mute": "HassMediaPlayerMute",
        "vacuum.start": "HassVacuumStart",
        "vacuum.return_to_base": "HassVacuumReturnToBase",
        "lawn_mower.start_mowing": "HassLawnMowerStartMowing",
        "lawn_mower.dock": "HassLawnMowerDock",
        "timer.start": "HassStartTimer",
        "timer.cancel": "HassCancelTimer",
        "timer.pause": "HassPauseTimer",
        "todo.add_item": "HassListAddItem",
        "todo.remove_item": "HassListRemoveItem",
        "shopping_list.add_item": "HassListAddItem",
        "shopping_list.complete_item": "HassListCompleteItem",
        "alarm_control_panel.alarm_arm_away": "HassTurnOn",
        "alarm_control_panel.alarm_arm_home": "HassTurnOn",
        "alarm_control_panel.alarm_arm_night": "HassTurnOn",
        "alarm_control_panel.alarm_disarm": "HassTurnOff",
        "button.press": "HassTurnOn",
        "input_button.press": "HassTurnOn",
        "weather.get_forecasts": "HassGetWeather",
    }
)
#: Domains whose services a home names itself, such as ``script.movie_night``; the name is a slot.
_NAMED_BY_THE_HOME: Mapping[str, str] = MappingProxyType(
    {
        "script": "HassTurnOn",
        "notify": "SendMessage",
        "rest_command": "RunCommand",
        "shell_command": "RunCommand",
        "python_script": "RunCommand",
        "pyscript": "RunCommand",
    }
)
#: Domains whose calls follow from other things, or manage the system.
NO_COMMANDS = frozenset(
    {
        "backup", "cloud", "device_tracker", "frontend", "hassio", "input_datetime", "input_number",
        "input_select", "input_text", "logbook", "logger", "persistent_notification", "recorder",
        "schedule", "system_log", "tts", "update", "zone",
    }
)  # fmt: skip
#: Domains whose calls make further calls in the same context.
REACHES_OTHERS = frozenset({"automation", "group", "homeassistant", "scene", "script"})
#: Fields of a call that describe what is wanted.
_VALUES = (
    "brightness", "brightness_pct", "color_name", "duration", "hvac_mode", "item", "message",
    "percentage", "position", "source", "temperature", "volume_level",
)  # fmt: skip
#: Fields of a light's call that make it more than switching on.
_LIGHT_SET = frozenset({"brightness", "brightness_pct", "color_name", "rgb_color", "kelvin",
                        "color_temp", "color_temp_kelvin", "hs_color", "effect"})  # fmt: skip
_LONGEST_VALUE = 500


def intent_of(domain: str, service: str, data: Mapping[str, object]) -> str | None:
    """Return the intent of a service call, or ``None`` if a name has another form.

    >>> intent_of("lock", "unlock", {})
    'lock.HassTurnOff'
    """
    if domain == "light" and service == "turn_on" and not _LIGHT_SET.isdisjoint(data):
        name = "HassLightSet"
    else:
        name = (
            _OF_ANY.get(service)
            or _OF_DOMAIN.get(f"{domain}.{service}")
            or _NAMED_BY_THE_HOME.get(domain)
            or "".join(part.capitalize() for part in service.split("_"))
        )
    # The shopping list is one of the lists.
    intent = f"{'todo' if domain == 'shopping_list' else domain}.{name}"
    return intent if INTENT_FORM.fullmatch(intent) else None


def slots_of(domain: str, service: str, data: Mapping[str, object]) -> dict[str, str]:
    """Return the values of a call: the entities as ``name``, the areas as ``area``, and others."""
    slots = {
        name: text
        for name, key in (("name", "entity_id"), ("area", "area_id"))
        if (text := _joined(data.get(key)))
    }
    if domain in _NAMED_BY_THE_HOME and service not in _OF_ANY:
        slots["name"] = service
    for key in _VALUES:
        value = data.get(key)
        if isinstance(value, str | int | float) and f"{value}":
            slots[key] = f"{value}"[:_LONGEST_VALUE]
    return slots


def _joined(value: object) -> str:
    """Return one id, or several in order; a call without a target has none."""
    values = value if isinstance(value, list) else [value]
    return " ".join(sorted(each for each in values if isinstance(each, str)))[:_LONGEST_VALUE]
