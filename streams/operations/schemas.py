"""The contracts for programs, drawn from the code: OpenAPI of the hook, AsyncAPI of the topics, JSON Schema of every value."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from detector.policy.policy import Policy
from streams.gateway.ladder import Ladder
from streams.gateway.openapi import inlined
from streams.gateway.routes import build_gateway
from streams.kafka.topics import DECISIONS, INCIDENTS, INTENTS, OUTCOMES, REPLIES
from streams.settings import Settings
from streams.wire.cloudevents import STRUCTURED
from streams.wire.late_answer import LATE
from streams.wire.records import (
    ANSWER,
    CORRELATION_ID,
    DEADLINE,
    DECISION,
    INTENT,
    LATE_MS,
    OUTCOME,
    REFUSAL,
    REPLY_PARTITION,
    RESULT,
    Kind,
)
from streams.wire.schema_limits import limited

__all__ = ["KINDS", "READ", "asyncapi", "documents", "openapi"]

#: Every value that crosses the boundary, by the name that it has in the code.
KINDS: Mapping[str, Kind[Any]] = {
    "IntentEvent": INTENT,
    "Decision": DECISION,
    "Outcome": OUTCOME,
    "ConfirmationAnswer": ANSWER,
    "ConfirmationResult": RESULT,
    "LateAnswer": LATE,
    "Refusal": REFUSAL,
}
#: Those that misfire reads; it writes the others.
READ = frozenset({"IntentEvent", "Outcome", "ConfirmationAnswer"})
#: What stands in each topic, and who writes it: the assistant's runtime, or misfire.
_CHANNELS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    (
        INTENTS,
        "What the assistant understood, one event per turn; key household_id.",
        ("IntentEvent",),
        True,
    ),
    (
        OUTCOMES,
        "What happened afterwards, and answers to confirmations; key household_id.",
        ("Outcome", "ConfirmationAnswer"),
        True,
    ),
    (DECISIONS, "Every decision, the audit log; key household_id.", ("Decision",), False),
    (
        INCIDENTS,
        "Verdicts that came after another answer; key household_id.",
        ("LateAnswer",),
        False,
    ),
    (
        REPLIES,
        "Answers to whoever named a partition of this topic.",
        ("Decision", "ConfirmationResult", "Refusal"),
        False,
    ),
)
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def documents(policy: Policy) -> dict[str, dict[str, Any]]:
    """Return every document by its file's name."""
    schemas = {
        f"{name}.schema.json": {"$schema": _SCHEMA, "title": name, **limited(kind)}
        for name, kind in KINDS.items()
    }
    return {"openapi.json": openapi(policy), "asyncapi.json": asyncapi(), **schemas}


def openapi(policy: Policy) -> dict[str, Any]:
    """Return the hook's description, as the gateway serves it at ``/openapi.json``."""
    return build_gateway(Settings(), Ladder(policy, None)).openapi()


def asyncapi() -> dict[str, Any]:
    """Return the topics' description in AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "misfire",
            "version": version("misfire-detector"),
            "description": "Did anybody mean this chain of commands? Ask on assistant.intents, read the answer on assistant.replies.",
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, says, names) for topic, says, names, _ in _CHANNELS},
        "operations": {
            topic: {
                # As AsyncAPI wants it: what misfire does.
                "action": "receive" if asked else "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                **({"reply": {"channel": {"$ref": f"#/channels/{REPLIES}"}}} if asked else {}),
            }
            for topic, _, _, asked in _CHANNELS
        },
        "components": {
            "messages": {name: _message(name, kind) for name, kind in KINDS.items()},
            "correlationIds": {"asker": {"location": f"$message.header#/{CORRELATION_ID}"}},
        },
    }


def _channel(topic: str, says: str, names: tuple[str, ...]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": topic, "description": says, "messages": messages}


def _message(name: str, kind: Kind[Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": kind.type,
        "title": name,
        "contentType": "application/json",
        "description": f"A CloudEvent in binary mode; in structured mode ({STRUCTURED}) the payload is its data.",
        "headers": {
            "type": "object",
            "properties": {
                "ce_type": {"const": kind.type},
                "ce_specversion": {"const": "1.0"},
                "ce_id": text,
                "ce_source": text,
                "traceparent": text,
                REPLY_PARTITION: {
                    **text,
                    "description": f"The partition of {REPLIES} that the asker reads.",
                },
                CORRELATION_ID: {**text, "description": "Comes back with the answer."},
                DEADLINE: {
                    **text,
                    "format": "date-time",
                    "description": "Until when the asker waits.",
                },
                LATE_MS: {**text, "description": "On an answer: milliseconds after that deadline."},
            },
        },
        "correlationId": {"$ref": "#/components/correlationIds/asker"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": inlined(kind),
        },
    }
