"""OpenAPI descriptions of the hook's requests and responses, from the schemas of the values."""

from __future__ import annotations

from typing import Any

from streams.gateway.requests import LONGEST_DEADLINE_MS, MAX_BATCH
from streams.wire.cloudevents import STRUCTURED
from streams.wire.records import Kind
from streams.wire.schema_limits import limited

__all__ = ["answers_description", "applied_description", "body_description", "inlined"]

_HEADERS = [
    {
        "name": "X-Misfire-Deadline-Ms",
        "in": "header",
        "description": f"The client's deadline in milliseconds, 1 to {LONGEST_DEADLINE_MS}.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_DEADLINE_MS, "default": 150},
    },
    {
        "name": "X-Misfire-Deadline",
        "in": "header",
        "description": (
            "The deadline as a point in time, which includes the time spent on the way here. "
            "It can only shorten the deadline in milliseconds."
        ),
        "schema": {"type": "string", "format": "date-time"},
    },
    {
        "name": "X-Misfire-Late-Url",
        "in": "header",
        "description": (
            "The URL for a late answer to this request (POST). "
            "callback_urls must list it for the caller's tenant."
        ),
        "schema": {"type": "string", "format": "uri"},
    },
]


#: RFC 9457.
_PROBLEM = {"type": "object", "required": ["type", "title", "status", "detail"]}


def body_description(kind: Kind[Any], *, batch: bool = False) -> dict[str, Any]:
    """Describe a request: its body, a value or an array of values, and its optional headers."""
    schema = inlined(kind)
    if batch:
        content = {
            "application/json": {
                "schema": {"type": "array", "items": schema, "maxItems": MAX_BATCH}
            }
        }
    else:
        content = _in_both_modes(kind, schema)
    return {"parameters": _HEADERS, "requestBody": {"required": True, "content": content}}


def answers_description(
    kind: Kind[Any], description: str, *, batch: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Describe the responses: the value, and the problems of a whole request.

    In a batch, each entry is a value or a problem.
    """
    schema = inlined(kind)
    content = _in_both_modes(kind, schema)
    if batch:
        items = {"anyOf": [schema, _PROBLEM]}
        content = {
            "application/json": {"schema": {"type": "array", "items": items, "maxItems": MAX_BATCH}}
        }
    return {200: {"description": description, "content": content}, **_refusals()}


def applied_description() -> dict[int | str, dict[str, Any]]:
    """Describe the responses to an outcome: whether it was applied, and the problems."""
    schema = {
        "type": "object",
        "required": ["applied"],
        "properties": {"applied": {"type": "boolean"}},
    }
    content = {"application/json": {"schema": schema}}
    return {
        200: {"description": "The worker applied it.", "content": content},
        202: {"description": "It was sent to the worker.", "content": content},
        **_refusals(),
    }


def _refusals() -> dict[int | str, dict[str, Any]]:
    refused: dict[str, Any] = {
        "description": "The request was refused; the detail says why.",
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    }
    unauthorized = refused | {
        "description": "The caller was refused: token, scope, tenant or rate limit."
    }
    return {
        **dict.fromkeys((400, 409, 413, 415, 422), refused),
        **dict.fromkeys((401, 403, 429), unauthorized),
    }


def _in_both_modes(kind: Kind[Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a value as plain JSON and as a structured CloudEvent.

    The body of a binary CloudEvent is the same as plain JSON.
    """
    attributes = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
        "type": {"const": kind.type},
        "data": schema,
    }
    structured = {
        "type": "object",
        "required": [*attributes],
        "properties": attributes,
        # CloudEvents 1.0 allows extensions with these names.
        "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
    }
    return {"application/json": {"schema": schema}, STRUCTURED: {"schema": structured}}


def inlined(kind: Kind[Any]) -> dict[str, Any]:
    """Return a value's JSON Schema with its ``$defs`` inlined.

    OpenAPI and AsyncAPI resolve references against the whole document.
    """
    schema = limited(kind)
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(entry) for entry in part]
        if isinstance(part, dict):
            name = part.get("$ref", "").rpartition("/")[2]
            return (
                resolve(definitions[name])
                if name
                else {key: resolve(value) for key, value in part.items()}
            )
        return part

    resolved: dict[str, Any] = resolve(schema)
    return resolved
