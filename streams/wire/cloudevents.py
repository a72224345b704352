"""CloudEvents 1.0 in structured mode: a JSON object with the value as ``data``.

Binary mode needs no code here: the value is the body, and the attributes are headers (``ce-…`` in
HTTP, ``ce_…`` in Kafka).
"""

from __future__ import annotations

from typing import Any, TypeVar

from cloudevents.core.bindings.http import to_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic_core import from_json, to_json

from detector.contracts.timestamps import read_timestamp
from streams.errors import RecordError
from streams.wire.records import MAX_BYTES, Headers, Kind, check_time, check_type, header
from streams.wire.strict_json import check_unambiguous

__all__ = [
    "STRUCTURED",
    "is_structured",
    "is_structured_record",
    "read_record",
    "type_inside",
    "unwrapped",
    "wrapped",
]

V = TypeVar("V")

#: The media type of structured mode.
STRUCTURED = "application/cloudevents+json"

_REQUIRED = ("specversion", "id", "source", "type")
_KNOWN = {*_REQUIRED, "datacontenttype", "dataschema", "subject", "time"}


def is_structured(media: str) -> bool:
    """Return whether a content type means structured mode."""
    return media.partition(";")[0].strip().lower() == STRUCTURED


def is_structured_record(headers: Headers) -> bool:
    """Return whether the headers of a Kafka record name the content type of structured mode."""
    return is_structured((header(headers, "content-type") or b"").decode("latin-1"))


def read_record(headers: Headers, value: bytes | None, kind: Kind[V]) -> tuple[V, set[str]]:
    """Decode a Kafka record in either mode; return its value and unknown field names.

    Raises:
        RecordError: with a code of ``unwrapped`` or of ``kind.read``, or ``unknown_type``.
    """
    structured = is_structured_record(headers)
    check_type(headers, kind)
    check_time(header(headers, "ce_time"))
    if value is not None and structured:
        value = unwrapped(value, kind)
    return kind.read(value)


def unwrapped(body: bytes, kind: Kind[Any]) -> bytes:
    """Return the data of a CloudEvent as JSON, not yet validated.

    Raises:
        RecordError: with code ``too_large``, ``not_json``, ``ambiguous_json``, ``schema`` (not a
            CloudEvent, or one without data) or ``unknown_type``.
    """
    if len(body) > MAX_BYTES:
        raise RecordError(
            "too_large", f"the CloudEvent has {len(body)} bytes; at most {MAX_BYTES} are read"
        )
    check_unambiguous(body)
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise RecordError("not_json", "the body is not JSON") from None
    missing = [name for name in _REQUIRED if not isinstance(found, dict) or name not in found]
    if missing or not isinstance(found.get("data"), dict):
        raise RecordError(
            "schema", f"the CloudEvent lacks {', '.join(missing) or 'data, an object'}"
        )
    data = found.pop("data")
    try:
        if "time" in found:
            found["time"] = read_timestamp(found["time"])
        event = CloudEvent(found, data)
    except (CloudEventValidationError, ValueError, TypeError) as error:
        wrong = getattr(error, "errors", {"time": ()})
        # The name of an extension comes from the sender and may contain private text.
        names = sorted({name if name in _KNOWN else "an extension" for name in wrong})
        raise RecordError(
            "schema", f"the CloudEvent's attributes are wrong: {', '.join(names)}"
        ) from None
    if event.get_type() != kind.type:
        raise RecordError("unknown_type", f"the CloudEvent's type is not {kind.type!r}")
    return to_json(data)


def type_inside(body: bytes) -> bytes | None:
    """Return the type of a CloudEvent, or ``None`` if the body is not one."""
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    named = found.get("type") if isinstance(found, dict) else None
    return named.encode() if isinstance(named, str) else None


def wrapped(value: bytes, kind: Kind[Any], event_id: str, source: str) -> bytes:
    """Return a CloudEvent in structured mode with a JSON value as its data."""
    attributes = {"specversion": "1.0", "id": event_id, "type": kind.type, "source": source}
    return to_structured(
        CloudEvent(attributes | {"datacontenttype": "application/json"}, from_json(value)),
        JSONFormat(),
    ).body
