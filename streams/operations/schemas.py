"""The public contracts, generated from the code: OpenAPI, AsyncAPI and JSON Schema documents."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from detector.policy.policy import Policy
from streams.gateway.ladder import Ladder
from streams.gateway.openapi import inlined
from streams.gateway.routes import build_gateway
from streams.kafka.topics import (
    BUNDLES,
    DECISIONS,
    INCIDENTS,
    INTENTS,
    LABELS,
    OUTCOMES,
    REPLIES,
    RULES,
    SHADOWS,
)
from streams.settings import Settings
from streams.wire.announcements import BUNDLE_CHANNEL
from streams.wire.cloudevents import STRUCTURED
from streams.wire.late_answer import LATE
from streams.wire.records import (
    ANSWER,
    CORRELATION_ID,
    DEADLINE,
    DECISION,
    INTENT,
    LABEL,
    LATE_MS,
    OUTCOME,
    REFUSAL,
    REPLY_PARTITION,
    RESULT,
    RULE,
    Kind,
)
from streams.wire.schema_limits import limited
from streams.wire.shadow_verdict import SHADOW_VERDICT

__all__ = ["KINDS", "READ", "asyncapi", "documents", "openapi"]

#: Every value that crosses the boundary, by the name of its class.
KINDS: Mapping[str, Kind[Any]] = {
    "IntentEvent": INTENT,
    "Decision": DECISION,
    "Outcome": OUTCOME,
    "ConfirmationAnswer": ANSWER,
    "ConfirmationResult": RESULT,
    "LateAnswer": LATE,
    "Refusal": REFUSAL,
    "Channel": BUNDLE_CHANNEL,
    "Label": LABEL,
    "Rule": RULE,
    "ShadowVerdict": SHADOW_VERDICT,
}
#: The values that misfire reads; it writes the others.
READ = frozenset({"IntentEvent", "Outcome", "ConfirmationAnswer"})
#: Each topic, its description, its messages, and whether misfire reads it (otherwise it writes it).
_CHANNELS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    (
        INTENTS,
        "What the assistant understood, one event per turn. The key is household_id.",
        ("IntentEvent",),
        True,
    ),
    (
        OUTCOMES,
        "Outcomes of commands, and answers to confirmations. The key is household_id.",
        ("Outcome", "ConfirmationAnswer"),
        True,
    ),
    (DECISIONS, "The audit log of all decisions. The key is household_id.", ("Decision",), False),
    (
        INCIDENTS,
        "Workers' verdicts that came late and differ from the answer. The key is household_id.",
        ("LateAnswer",),
        False,
    ),
    (
        REPLIES,
        "Answers to clients, in the partition that the request names.",
        ("Decision", "ConfirmationResult", "Refusal"),
        False,
    ),
    (
        LABELS,
        "People's labels of events, with what they changed. The key is household_id.",
        ("Label",),
        False,
    ),
    (
        RULES,
        "The rules that change verdicts. The key is rule_id; no value: the rule is removed.",
        ("Rule",),
        False,
    ),
    (
        SHADOWS,
        "Verdicts of shadow bundles that differ from the decision. The key is household_id.",
        ("ShadowVerdict",),
        False,
    ),
    (
        BUNDLES,
        "The announced bundles. The key is the channel: active, or shadow- and a name.",
        ("Channel",),
        False,
    ),
)
_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def documents(policy: Policy) -> dict[str, dict[str, Any]]:
    """Return every document by file name."""
    schemas = {
        f"{name}.schema.json": {"$schema": _SCHEMA, "title": name, **limited(kind)}
        for name, kind in KINDS.items()
    }
    return {"openapi.json": openapi(policy), "asyncapi.json": asyncapi(), **schemas}


def openapi(policy: Policy) -> dict[str, Any]:
    """Return the OpenAPI document that the gateway serves at ``/openapi.json``."""
    return build_gateway(Settings(), Ladder(policy, None)).openapi()


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of the topics."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "misfire",
            "version": version("misfire-detector"),
            "description": "Decides whether a voice assistant's command was meant. Send events to "
            "assistant.intents and read the decisions from assistant.replies.",
        },
        "defaultContentType": "application/json",
        "channels": {
            topic: _channel(topic, description, names) for topic, description, names, _ in _CHANNELS
        },
        "operations": {
            topic: {
                # AsyncAPI describes the application's side: what misfire does.
                "action": "receive" if read else "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                **({"reply": {"channel": {"$ref": f"#/channels/{REPLIES}"}}} if read else {}),
            }
            for topic, _, _, read in _CHANNELS
        },
        "components": {
            "messages": {name: _message(name, kind) for name, kind in KINDS.items()},
            "correlationIds": {"asker": {"location": f"$message.header#/{CORRELATION_ID}"}},
        },
    }


def _channel(topic: str, description: str, names: tuple[str, ...]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": topic, "description": description, "messages": messages}


def _message(name: str, kind: Kind[Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": kind.type,
        "title": name,
        "contentType": "application/json",
        "description": "A CloudEvent in binary mode. In structured mode "
        f"({STRUCTURED}) the payload is its data.",
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
                    "description": f"The partition of {REPLIES} that the client reads.",
                },
                CORRELATION_ID: {**text, "description": "Returned with the answer."},
                DEADLINE: {
                    **text,
                    "format": "date-time",
                    "description": "The time until which the client waits.",
                },
                LATE_MS: {
                    **text,
                    "description": "In a late answer: milliseconds after the deadline.",
                },
            },
        },
        "correlationId": {"$ref": "#/components/correlationIds/asker"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": inlined(kind),
        },
    }
