"""Rules for the things of a home that the library's sentences do not cover.

The intents are Home Assistant's own, as far as it has one: in Home Assistant, HassTurnOn locks a
lock and opens a cover (https://developers.home-assistant.io/docs/intent_builtin).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from streams.files.understanding.devices import Device, device_in, room_in
from streams.files.understanding.understood import Understood

__all__ = ["home_request"]


def _words(expression: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{expression})(?!\w)")


_QUESTION = _words(r"^(?:is|are|did|do|does|what|what is|which|check|how|tell me|whether)")
_OFF = _words(
    r"(?:turn|switch|shut|power|put|get|cut|set|keep|leave|make|flip)\b.*\boff|off$|^off"
    r"|shut (?:down|the)|deactivate|disable|kill|no (?:more )?lights?|lights? out|stop|unplug"
)
_ON = _words(
    r"(?:turn|switch|power|put|set|keep|leave|make|flip)\b.*\bon|on$|^on|activate|enable|start|run"
    r"|i need (?:some |more )?light|light up|illuminate|plug in|preheat"
)
_OPEN = _words(r"open|raise|roll up|pull up|lift|up")
_CLOSE = _words(r"close|shut|lower|roll down|pull down|draw|down")
_DOORS = _words(r".*doors?")
_EVERYTHING = _words(r"everything|all (?:the )?(?:devices|appliances)|all|power")
_LIGHT_SET = _words(
    r"dim|dims|dimmer|dimmed|bright|brighter|brighten|brightness|darker|darken|lower|raise|increase"
    r"|decrease|reduce|intensity|low|high|\d+ ?%|percent|percentage|colou?rs?|colou?red|red|blue"
    r"|green|white|yellow|purple|pink|orange|violet|warm|warmer|cool|soften|softer|shade|mood"
    r"|(?:turn|put|bring) (?:\w+ ){0,4}(?:up|down)|change|less|more|adjust|strobe"
)

#: By domain: the intents and when they apply, in the order in which they are tried.
_ACTIONS: Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]] = MappingProxyType(
    {
        "lock": (("HassTurnOff", _words(r"unlock|unlatch")), ("HassTurnOn", _words(r"lock|latch"))),
        "cover": (
            ("HassSetPosition", _words(r"half ?way|half|\d+ ?%|percent")),
            ("HassTurnOn", _OPEN),
            ("HassTurnOff", _CLOSE),
        ),
        "alarm_control_panel": (
            ("HassTurnOff", _words(r"disarm|off|deactivate|disable")),
            ("HassTurnOn", _words(r"arm|on|activate|enable|set")),
        ),
        "light": (("HassTurnOff", _OFF), ("HassLightSet", _LIGHT_SET), ("HassTurnOn", _ON)),
        "climate": (
            ("HassTurnOff", _OFF),
            (
                "HassClimateSetTemperature",
                _words(
                    r"degrees?|set|up|down|raise|lower|increase|decrease|warmer|cooler|colder"
                    r"|to \d+"
                ),
            ),
            ("HassTurnOn", _ON),
        ),
        "vacuum": (
            ("HassVacuumReturnToBase", _words(r"stop|dock|return|home|base|off|back|end")),
            ("HassVacuumStart", _words(r"start|run|clean|vacuum|begin|turn|activate|use|have|get")),
        ),
        "lawn_mower": (
            ("HassLawnMowerDock", _words(r"stop|dock|return|home|base|off|back")),
            ("HassLawnMowerStartMowing", _words(r"start|run|mow|on")),
        ),
        "camera": (("ShowCamera", _words(r"show|view|display|see|open")),),
        "fan": (
            ("HassTurnOff", _OFF),
            ("HassFanSetSpeed", _words(r"speed|high|low|medium|\d+ ?%|percent|faster|slower")),
            ("HassTurnOn", _ON),
        ),
        "scene": (("HassTurnOn", _words(r"activate|start|turn|set|run|change")),),
        "script": (("HassTurnOn", _words(r"activate|start|turn|set|run|do|begin")),),
    }
)
_POWER = (("HassTurnOff", _OFF), ("HassTurnOn", _ON))
_VACUUM = _words(
    r"vacuum|hoover|(?:clean|sweep|mop)(?: up)? (?:the|my|our|this)? ?[\w ]*"
    r"(?:room|floors?|kitchen|house|carpets?|home|hall|office|flat|apartment)"
)
_COFFEE = _words(
    r"(?:make|brew|prepare|start|get|give|fix|pour|have|want|need|like|ready)\b.*\b"
    r"(?:coffee|espresso|cappuccino|latte|tea)"
)
_BRIGHTNESS = _words(
    r"brightness|^(?:brighter|dimmer|darker)$|(?:make|turn) (?:it|this room|the room) (?:\w+ )?"
    r"(?:brighter|darker|dimmer)|too (?:dark|bright)"
)
_TASKS = (
    ("light.HassLightSet", _BRIGHTNESS),
    ("appliances.MakeCoffee", _COFFEE),
    ("vacuum.HassVacuumStart", _VACUUM),
)
_TEMPERATURE = _words(r"temperature|degrees|warmer|cooler|how (?:warm|cold|hot)|too (?:hot|cold)")
_OUTSIDE = _words(r"outside|outdoors?|today|tomorrow|tonight|weather|week|weekend|city|forecast")
_SET = _words(r"set|turn|raise|lower|increase|decrease|make|change|adjust|bring|put|warmer|cooler")


def home_request(text: str) -> Understood | None:
    """Return what a text asks of the home, or ``None``.

    >>> home_request("unlock the front door")
    Understood(intent='lock.HassTurnOff', slots={'name': 'front door'})
    """
    room, device = room_in(text), device_in(text)
    slots = {"area": room} if room else {}
    if device is not None and (intent := _action(text, domain := _domain(text, device))):
        named = {"name": device.name} if device.name != device.noun or not slots else {}
        return Understood(f"{domain}.{intent}", slots | named)
    if (intent := _without_device(text, bool(room))) is not None:
        return Understood(intent, slots)
    return None


def _without_device(text: str, in_room: bool) -> str | None:
    for intent, expression in _TASKS:
        if expression.search(text):
            return intent
    asked = _QUESTION.search(text) and not re.search(r"\bset\b", text)
    if _TEMPERATURE.search(text) and not _OUTSIDE.search(text):
        if asked:
            return "climate.HassClimateGetTemperature" if in_room else None
        return "climate.HassClimateSetTemperature" if in_room or _SET.search(text) else None
    if _EVERYTHING.search(text) and not asked:
        power = (intent for intent, expression in _POWER if expression.search(text))
        return next((f"homeassistant.{intent}" for intent in power), None)
    return None


def _domain(text: str, device: Device) -> str:
    # Only a lock is locked. What opens and closes is a cover, whatever it is called.
    if _DOORS.fullmatch(device.noun) and device.domain == "lock":
        locks = re.search(r"\b(?:un)?lock(?:ed)?\b", text)
        return "lock" if locks or not (_OPEN.search(text) or _CLOSE.search(text)) else "cover"
    return device.domain


def _action(text: str, domain: str) -> str | None:
    if _QUESTION.search(text):
        return "HassGetState"
    actions = _ACTIONS.get(domain, _POWER)
    return next((intent for intent, expression in actions if expression.search(text)), None)
