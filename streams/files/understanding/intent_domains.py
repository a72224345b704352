"""The domains of Home Assistant's intents that are about no entity."""

from __future__ import annotations

__all__ = ["domain_of_intent"]

#: By the beginning of the intent's name.
_DOMAINS = {
    "HassBroadcast": "assist",
    "HassCancelAllTimers": "timer",
    "HassCancelTimer": "timer",
    "HassClimate": "climate",
    "HassDecreaseTimer": "timer",
    "HassFan": "fan",
    "HassGetCurrent": "assist",
    "HassGetWeather": "weather",
    "HassIncreaseTimer": "timer",
    "HassHumidifier": "humidifier",
    "HassLawnMower": "lawn_mower",
    "HassLightSet": "light",
    "HassList": "todo",
    "HassMedia": "media_player",
    "HassNevermind": "assist",
    "HassPauseTimer": "timer",
    "HassSetVolume": "media_player",
    "HassShoppingList": "shopping_list",
    "HassStartTimer": "timer",
    "HassTimerStatus": "timer",
    "HassUnpauseTimer": "timer",
    "HassVacuum": "vacuum",
}


def domain_of_intent(name: str) -> str | None:
    """Return the domain of an intent, or ``None`` if its entities decide.

    >>> domain_of_intent("HassStartTimer"), domain_of_intent("HassTurnOn")
    ('timer', None)
    """
    return next((domain for start, domain in _DOMAINS.items() if name.startswith(start)), None)
