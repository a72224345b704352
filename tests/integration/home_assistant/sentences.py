"""What a simulated home says to Home Assistant: the sentence of a command, and its slots.

A month's names and values are tokens. They become words here, the same ones each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: A blind is a cover with a device class.
DOMAINS = {"blind": "cover"}
DEVICE_CLASSES = {"blind": "blind", "cover": "garage", "sensor": "temperature"}
_NOUNS = {
    "alarm_control_panel": "alarm",
    "blind": "blinds",
    "climate": "thermostat",
    "cover": "garage door",
    "lawn_mower": "mower",
    "lock": "door",
    "media_player": "speaker",
    "todo": "list",
    "water_heater": "boiler",
}
_WORDS = (
    "amber", "apple", "birch", "blue", "cedar", "clover", "coral", "crystal", "daisy", "ebony",
    "elm", "emerald", "fern", "flint", "garnet", "ginger", "hazel", "holly", "indigo", "iris",
    "ivory", "jade", "juniper", "lilac", "linden", "maple", "marble", "mint", "olive", "onyx",
    "opal", "orchid", "pearl", "pine", "poppy", "quartz", "rose", "ruby", "saffron", "sage",
    "silver", "slate", "sorrel", "spruce", "tulip", "violet", "walnut", "willow",
)  # fmt: skip
_ROOMS = (
    "kitchen", "living room", "bedroom", "bathroom", "hall", "office", "nursery", "guest room",
    "cellar", "attic", "studio", "library", "pantry", "laundry",
)  # fmt: skip
_COLOURS = ("red", "green", "blue", "white", "yellow")
#: Sentences of Home Assistant's own English, by intent and domain, with the name or the area.
_NAMED = {
    "lock.HassTurnOn": "lock the {name}",
    "lock.HassTurnOff": "unlock the {name}",
    "lock.HassGetState": "is the {name} locked",
    "cover.HassTurnOn": "open the {name}",
    "cover.HassTurnOff": "close the {name}",
    "blind.HassTurnOn": "open the {name}",
    "blind.HassTurnOff": "close the {name}",
    "blind.HassSetPosition": "set the {name} position to {position}%",
    "script.HassTurnOn": "run {name}",
    "light.HassLightSet": "set {name} brightness to {brightness}%",
    "vacuum.HassVacuumStart": "start {name}",
    "vacuum.HassVacuumReturnToBase": "return {name} to base",
    "media_player.HassMediaPause": "pause {name}",
    "media_player.HassMediaUnpause": "resume {name}",
    "media_player.HassSetVolume": "set {name} volume to {volume_level}%",
    "HassTurnOn": "turn on the {name}",
    "HassTurnOff": "turn off the {name}",
}
_IN_AREA = {
    "light.HassTurnOn": "turn on the lights in the {area}",
    "light.HassTurnOff": "turn off the lights in the {area}",
    "light.HassLightSet": "set the {area} brightness to {brightness}%",
    "blind.HassTurnOn": "open the blinds in the {area}",
    "blind.HassTurnOff": "close the blinds in the {area}",
}
_PLAIN = {
    "assist.HassNevermind": "never mind",
    "assist.HassGetCurrentTime": "what time is it",
    "assist.HassGetCurrentDate": "what is the date",
    "timer.HassStartTimer": "set a timer for {minutes} minutes",
    "timer.HassCancelTimer": "cancel my timer",
    "timer.HassTimerStatus": "how much time is left on my timer",
    "todo.HassListAddItem": "add {item} to my {name}",
}


@dataclass(slots=True)
class Words:
    """The words of one home. Names are numbered in order of appearance, by kind."""

    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, kind: str, token: str) -> str:
        """Return the words of a token: a room, or the name of a device."""
        known = [each for each in self._names if each[0] == kind]
        if (kind, token) not in self._names:
            number = len(known)
            if kind == "area":
                name = _ROOMS[number] if number < len(_ROOMS) else f"room {number}"
            else:
                word = _WORDS[number % len(_WORDS)]
                more = f" {number // len(_WORDS)}" if number >= len(_WORDS) else ""
                name = f"{word}{more} {_NOUNS.get(kind, kind)}"
            self._names[kind, token] = name
        return self._names[kind, token]


def slots_of(domain: str, slots: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Return the slots of a command with words and numbers in place of tokens."""
    return {name: _value(domain, name, token, words) for name, token in slots.items()}


def sentence_of(intent: str, slots: Mapping[str, Any]) -> str | None:
    """Return the sentence of a command, or ``None`` if Home Assistant has none."""
    table = _NAMED if "name" in slots else _IN_AREA if "area" in slots else _PLAIN
    table = _PLAIN if intent.startswith("todo.") else table
    form = table.get(intent) or table.get(intent.partition(".")[2])
    try:
        return form.format(**slots) if form else None
    except KeyError:
        return None


def _value(domain: str, name: str, token: str, words: Words) -> Any:
    if name == "area":
        return words.of("area", token)
    if name == "name":
        return words.of(domain, token)
    number = int(hashlib.blake2b(token.encode(), digest_size=4).hexdigest(), 16)
    if name == "color":
        return _COLOURS[number % len(_COLOURS)]
    if name in ("minutes", "temperature"):
        return 1 + number % 59 if name == "minutes" else 15 + number % 10
    if name in ("brightness", "position", "percentage", "volume_level", "volume_step"):
        return 1 + number % 99
    count = len(_WORDS)
    return f"{_WORDS[number % count]} {_WORDS[number // count % count]}"
