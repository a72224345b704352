"""What OpenAPI says about the hook's requests, from the values' own schemas."""

from __future__ import annotations

from typing import Any

from streams.hook.requests import LONGEST_DEADLINE_MS, MAX_BATCH
from streams.records import Kind

__all__ = ["answers_description", "body_description", "inlined"]

_HEADERS = [
    {
        "name": "X-Misfire-Deadline-Ms",
        "in": "header",
        "description": f"Milliseconds in which the answer is needed, 1 to {LONGEST_DEADLINE_MS}.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_DEADLINE_MS, "default": 150},
    },
    {
        "name": "X-Misfire-Deadline",
        "in": "header",
        "description": "The same as a point in time: what was spent on the way is taken off. Never prolongs the milliseconds.",
        "schema": {"type": "string", "format": "date-time"},
    },
    {
        "name": "X-Misfire-Late-Url",
        "in": "header",
        "description": "Where a late answer to this question is sent (POST); a loopback address or an allowed host.",
        "schema": {"type": "string", "format": "uri"},
    },
]


def body_description(kind: Kind[Any], *, batch: bool = False) -> dict[str, Any]:
    """Describe what a request holds: a value, or an array of values, and the headers that every request may have."""
    schema = inlined(kind)
    if batch:
        schema = {"type": "array", "items": schema, "maxItems": MAX_BATCH}
    return {
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }


def answers_description(
    kind: Kind[Any], description: str, *, batch: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Describe the answers: the value (in a batch, or the event's problem), and the problems of the whole request."""
    problem = {"type": "object", "required": ["type", "title", "status", "detail"]}
    schema = inlined(kind)
    if batch:
        schema = {"type": "array", "items": {"anyOf": [schema, problem]}, "maxItems": MAX_BATCH}
    refused = {
        "description": "The request is refused; the detail names what is wrong with it.",
        "content": {"application/problem+json": {"schema": problem}},
    }
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {200: answer, **dict.fromkeys((400, 409, 413, 415, 422), refused)}


def inlined(kind: Kind[Any]) -> dict[str, Any]:
    """Return a value's JSON Schema with what ``$defs`` names in its places: OpenAPI and AsyncAPI look for it elsewhere."""
    schema = kind.schema()
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(entry) for entry in part]
        if isinstance(part, dict):
            name = part.get("$ref", "").rpartition("/")[2]
            return (
                resolve(definitions[name]) if name else {key: resolve(value) for key, value in part.items()}
            )
        return part

    resolved: dict[str, Any] = resolve(schema)
    return resolved
