"""Limits of fields, as JSON Schema for clients. The core enforces them when a value is created."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from detector.contracts.challenge_words import WORDS
from detector.contracts.confirmations import MAX_PROOF_LENGTH, MAX_WORDS
from detector.contracts.events import ID_FORM, INTENT_FORM, MAX_SLOTS
from streams.wire.records import Kind
from streams.wire.token_format import SLOT_NAME, TOKEN

__all__ = ["limited"]


def _whole(form: re.Pattern[str]) -> dict[str, Any]:
    return {"pattern": f"^(?:{form.pattern})$"}


_IDS = (
    "event_id",
    "household_id",
    "device_id",
    "session_id",
    "speaker_id",
    "runtime",
    "answer_id",
    "confirmation_id",
)
_CONFIDENCES = ("intent_confidence", "asr_confidence", "wake_confidence")
#: Limits by field name; a name has the same meaning in every record.
_LIMITS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(_IDS, _whole(ID_FORM)),
    **{name: {"minimum": 0, "maximum": 1} for name in _CONFIDENCES},
    "intent": _whole(INTENT_FORM),
    "proof": {"minLength": 1, "maxLength": MAX_PROOF_LENGTH},
    "slots": {
        "maxProperties": MAX_SLOTS,
        "propertyNames": _whole(SLOT_NAME),
        "additionalProperties": {"type": "string", **_whole(TOKEN)},
    },
    "words": {"maxItems": MAX_WORDS, "items": {"type": "string", "enum": list(WORDS)}},
}


def limited(kind: Kind[Any]) -> dict[str, Any]:
    """Return the schema of a kind with the limits of all fields, including nested ones."""
    schema = kind.schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            for choice in field.get("anyOf", [field]):
                if choice.get("type") != "null":
                    choice.update(_LIMITS.get(name, {}))
    return schema
