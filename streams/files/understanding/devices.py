"""Words for the things and rooms of a home, by the domain that Home Assistant gives the things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DEVICES", "ROOMS", "Device", "device_in", "room_in"]

#: The last word or words of a device's name, by domain: "the lamp beside the bed" is rare.
DEVICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "lock": ("door lock", "front door", "back door", "main door", "lock", "deadbolt", "doors",
                 "door", "patio door", "side door"),
        "cover": ("garage door", "garage", "gate", "blinds", "blind", "curtains", "curtain",
                  "shades", "shade", "shutters", "shutter", "awning", "window", "windows"),
        "alarm_control_panel": ("alarm system", "security system", "house alarm", "home alarm",
                                "burglar alarm"),
        "light": ("lights", "light", "lamp", "lamps", "chandelier", "bulb", "bulbs", "lighting",
                  "led", "leds", "nightlight", "spotlights"),
        "climate": ("thermostat", "heating", "heat", "heater", "air conditioning",
                    "air conditioner", "ac", "a c", "radiator"),
        "fan": ("fan", "ventilator"),
        "media_player": ("tv", "television", "telly", "speaker", "speakers", "stereo", "fire tv",
                         "soundbar", "apple tv", "chromecast", "projector"),
        "vacuum": ("vacuum", "vacuum cleaner", "robot vacuum", "roomba", "hoover", "robot cleaner",
                   "robot"),
        "lawn_mower": ("lawn mower", "mower"),
        "siren": ("siren",),
        "valve": ("valve", "sprinkler", "sprinklers", "irrigation"),
        "water_heater": ("water heater", "boiler"),
        "humidifier": ("humidifier", "dehumidifier"),
        "camera": ("camera", "cameras"),
        "switch": ("plug", "plugs", "socket", "sockets", "switch", "outlet", "wemo", "smart plug",
                   "coffee machine", "coffee maker", "coffee pot", "kettle", "heated blanket",
                   "electric blanket", "christmas tree", "fountain", "pump"),
        "appliances": ("oven", "dishwasher", "washing machine", "washer", "dryer", "stove"),
        "scene": ("scene",),
        "script": ("routine", "script"),
    }
)  # fmt: skip
ROOMS = (
    "living room", "family room", "dining room", "guest room", "laundry room", "kids room",
    "children's room", "master bedroom", "guest bedroom", "front room", "sitting room", "bedroom",
    "bathroom", "kitchen", "hallway", "hall", "office", "study", "garage", "basement", "cellar",
    "attic", "loft", "garden", "patio", "porch", "balcony", "terrace", "nursery", "lounge", "den",
    "corridor", "entrance", "driveway", "backyard", "yard", "toilet", "closet", "library",
    "conservatory", "utility room", "playroom", "upstairs", "downstairs", "outside", "room",
    "house", "home",
)  # fmt: skip

_DOMAINS = {noun: domain for domain, nouns in DEVICES.items() for noun in nouns}
_NOUN = re.compile(
    rf"(?<![\w'])(?:{'|'.join(sorted(map(re.escape, _DOMAINS), key=len, reverse=True))})(?![\w'])"
)
_ROOM = re.compile(
    rf"(?<![\w'])(?:{'|'.join(sorted(map(re.escape, ROOMS), key=len, reverse=True))})(?:'s)?(?!\w)"
)
#: Words before a noun that are no part of a device's name.
_NOT_A_NAME = re.compile(
    r"^(?:.*\s)?(?:the|my|our|all|a|an|on|off|up|down|in|of|to|is|are|lock|unlock|open|close|dim"
    r"|set|turn|switch|start|stop|activate|clean|with|using)\s"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A device that a text names: its domain, the noun, and its name with words before it."""

    domain: str
    noun: str
    name: str


def device_in(text: str) -> Device | None:
    """Return the first device that a text names.

    >>> device_in("turn on the bedside lamp")
    Device(domain='light', noun='lamp', name='bedside lamp')
    """
    found = _NOUN.search(text)
    if found is None:
        return None
    begin = found.start()
    # The last noun of several decides: garage lights are lights.
    while (further := _NOUN.match(text, found.end() + 1)) is not None:
        found = further
    before = _NOT_A_NAME.sub("", text[:begin]).split()[-2:]
    return Device(_DOMAINS[found[0]], found[0], " ".join([*before, text[begin : found.end()]]))


def room_in(text: str) -> str | None:
    """Return the first room that a text names."""
    found = _ROOM.search(text)
    return found[0] if found else None
