"""Messages of the Hermes protocol (Snips, Rhasspy): topics, and an intent as a turn. No I/O.

https://rhasspy.readthedocs.io/en/latest/reference/#mqtt-api
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.runtimes.heard import Heard
from streams.runtimes.names import intent_of

__all__ = [
    "ANSWERS",
    "CONTINUE",
    "DOWN",
    "END",
    "EVERYTHING",
    "INTENT",
    "NOT_RECOGNIZED",
    "SESSION_ENDED",
    "Intent",
    "decoded",
]

INTENT = "hermes/intent/"
END = "hermes/dialogueManager/endSession"
CONTINUE = "hermes/dialogueManager/continueSession"
NOT_RECOGNIZED = "hermes/dialogueManager/intentNotRecognized"
SESSION_ENDED = "hermes/dialogueManager/sessionEnded"
#: What the bridge subscribes to at the skills' broker.
EVERYTHING = "hermes/#"
#: With these a skill answers an intent.
ANSWERS = frozenset({END, CONTINUE})
#: What the dialogue manager and its services send to skills, besides intents.
DOWN = frozenset(
    {
        NOT_RECOGNIZED,
        SESSION_ENDED,
        "hermes/dialogueManager/sessionStarted",
        "hermes/dialogueManager/sessionQueued",
        "hermes/tts/sayFinished",
        "hermes/error/nlu",
    }
)


@dataclass(frozen=True, slots=True)
class Intent:
    """An intent as the dialogue manager published it."""

    topic: str
    payload: bytes
    message: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the intent; the topic decides, because skills subscribe to it."""
        return self.topic.removeprefix(INTENT)

    @property
    def session(self) -> str:
        """The session, or an empty string."""
        return str(self.message.get("sessionId") or "")

    @property
    def said(self) -> str:
        """The recognised text."""
        return str(self.message.get("rawInput") or self.message.get("input") or "")

    def heard(self, domain: str) -> Heard:
        """Return the turn. A session of Hermes is one exchange, so silence ends ours."""
        intent = _mapping(self.message.get("intent"))
        return Heard(
            intent=intent_of(self.name, domain),
            slots=dict(_slots(self.message.get("slots"))),
            device=str(self.message.get("siteId") or "default"),
            intent_confidence=_number(intent.get("confidenceScore")),
            asr_confidence=_number(self.message.get("asrConfidence")),
        )


def decoded(payload: bytes) -> dict[str, Any]:
    """Return the JSON object of a message.

    Raises:
        ValueError: it is not one.
    """
    found = json.loads(payload)
    if not isinstance(found, dict):
        raise ValueError("a message is not a JSON object")  # noqa: TRY004 - of JSON, not of ours
    return found


def _slots(found: object) -> list[tuple[str, object]]:
    slots = [_mapping(each) for each in found] if isinstance(found, list) else []
    return [
        (str(each.get("slotName") or each.get("entity") or ""), _value(each))
        for each in slots
        if each
    ]


def _value(slot: Mapping[str, Any]) -> object:
    value = slot.get("value")
    return value.get("value") if isinstance(value, Mapping) else value


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
