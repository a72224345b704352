"""What Home Assistant understood, as misfire's ``Heard``: the intent with its domain, and slots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from homeassistant.helpers import intent

from .targets import domains_of

if TYPE_CHECKING:
    from detector.policy.policy import Policy
    from streams.runtimes import Heard

__all__ = ["heard_of", "slots_of"]

#: The domain of commands whose entities are unknown. Its class is the strictest.
_UNKNOWN = "homeassistant"
#: Intents of covers by older names, and the names that the same sentences have since.
_COVERS = {"HassOpenCover": "HassTurnOn", "HassCloseCover": "HassTurnOff"}
#: Filled in by Home Assistant and not said by a user.
_NOT_SAID = ("preferred_area_id", "preferred_floor_id", "conversation_command")


def heard_of(intent_obj: intent.Intent, policy: Policy) -> Heard:
    """Return what was heard. Of several domains, the one of the strictest class counts."""
    from streams.runtimes import Heard

    return Heard(
        intent=_name(intent_obj, policy),
        slots=slots_of(intent_obj.slots),
        device=_device(intent_obj),
        session=_conversation(),
    )


def slots_of(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the slots that a user said."""
    return {
        name: slot["value"] if isinstance(slot, Mapping) and "value" in slot else slot
        for name, slot in slots.items()
        if name not in _NOT_SAID
    }


def _name(intent_obj: intent.Intent, policy: Policy) -> str:
    from detector.contracts.decisions import severity
    from streams.runtimes.names import intent_of

    name = intent_obj.intent_type
    usual = _COVERS.get(name, name)
    return max(
        (intent_of(f"{domain}.{usual}") for domain in _domains(intent_obj, name)),
        key=lambda each: (severity(policy.risk_class(each)), each),
    )


def _domains(intent_obj: intent.Intent, name: str) -> Iterable[str]:
    from streams.files.understanding.intent_domains import domain_of_intent

    if not name.startswith("Hass"):
        # An intent of the user's own: its name alone says what it does.
        return ("assist",)
    if (domain := domain_of_intent(name)) is not None:
        return (domain,)
    slots = dict(intent_obj.slots)
    if name in _COVERS:
        slots["domain"] = {"value": "cover"}
    return domains_of(intent_obj.hass, slots) or (_UNKNOWN,)


def _device(intent_obj: intent.Intent) -> str:
    """Return the satellite or device that heard the command, or the user of an app."""
    for attribute in ("satellite_id", "device_id"):
        if found := getattr(intent_obj, attribute, None):
            return str(found)
    user = intent_obj.context.user_id
    return f"app-{user}" if user else "assist"


def _conversation() -> str:
    """Return the id of the conversation, or nothing if this version has none: silence ends it."""
    try:
        from homeassistant.helpers.chat_session import current_session
    except ImportError:  # before 2025.2
        return ""
    session = current_session.get()
    return session.conversation_id if session else ""
