"""The hook's requests and responses as values: bodies, headers and deadlines, all bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic_core import from_json, to_json

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.errors import InvalidValue
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.timestamps import read_timestamp
from streams.errors import RecordError
from streams.gateway.ignored_header import note_ignored
from streams.gateway.request_context import RequestContext
from streams.serving.access.guard import Caller, caller_of
from streams.serving.bodies import read_body
from streams.settings import Settings
from streams.wire.callback_addresses import check_callback
from streams.wire.cloudevents import STRUCTURED, is_structured, unwrapped, wrapped
from streams.wire.ignored_fields import ignored_in
from streams.wire.records import Kind, check_time
from streams.wire.reply_headers import trace_of
from streams.wire.strict_json import check_unambiguous
from streams.wire.token_format import check_tokens

__all__ = [
    "LONGEST_DEADLINE_MS",
    "MAX_BATCH",
    "context_of",
    "decode",
    "event_number",
    "read_batch",
    "read_value",
    "respond",
]

_SOURCE = "misfire/gateway"
LONGEST_DEADLINE_MS = 10_000
#: Events in one request.
MAX_BATCH = 100
#: A hundred intents of the largest realistic size (compare records.MAX_BYTES).
_BATCH_BYTES = 1_048_576


#: Python's int() accepts digits of every script, and refuses more than 4,300 digits.
_NUMBER = re.compile(r"[0-9]{1,9}")
#: Late answers are numbered from the milliseconds since 1970, which have 13 digits.
_EVENT_NUMBER = re.compile(r"[0-9]{1,18}")

V = TypeVar("V", IntentEvent, Outcome, ConfirmationAnswer)


async def read_value(request: Request, kind: Kind[V], settings: Settings) -> V:
    """Read a value from plain JSON, or from a CloudEvent in binary or structured mode.

    In binary mode the attributes of the CloudEvent are ``ce-`` headers.

    Raises:
        RecordError: like ``read_body``, ``cloudevents.unwrapped`` and ``decode``, and
            ``unknown_type``.
    """
    body = await read_body(request)
    if is_structured(request.headers.get("content-type", "")):
        return decode(unwrapped(body, kind), kind, settings, request)
    if request.headers.get("ce-type", kind.type) != kind.type:
        raise RecordError("unknown_type", f"the request's ce-type is not {kind.type!r}")
    if request.headers.get("ce-specversion", "1.0") != "1.0":
        raise RecordError("schema", "ce-specversion is not 1.0")
    stamp = request.headers.get("ce-time")
    check_time(None if stamp is None else stamp.encode())
    return decode(body, kind, settings, request)


def respond(
    request: Request,
    kind: Kind[Any],
    value: bytes,
    value_id: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response with a value; a CloudEvent is answered with one, in the same mode."""
    all_headers = dict(headers or {})
    if is_structured(request.headers.get("content-type", "")):
        content = wrapped(value, kind, value_id, _SOURCE)
        return Response(content, media_type=STRUCTURED, headers=all_headers)
    if "ce-type" in request.headers:
        all_headers |= {
            "ce-specversion": "1.0",
            "ce-id": value_id,
            "ce-type": kind.type,
            "ce-source": _SOURCE,
        }
    return Response(value, media_type="application/json", headers=all_headers)


async def read_batch(request: Request) -> list[bytes]:
    """Read an array of events, each as JSON that is not validated yet.

    Raises:
        RecordError: like ``read_body``, and ``not_json``, ``ambiguous_json``, ``schema`` (not an
            array) or ``too_large`` (too many events).
    """
    if is_structured(request.headers.get("content-type", "")):
        raise RecordError("media_type", "an array of events must be application/json")
    body = await read_body(request, _BATCH_BYTES)
    check_unambiguous(body)
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise RecordError("not_json", "the body is not JSON") from None
    if not isinstance(found, list):
        raise RecordError("schema", "the body must be an array of events")
    if len(found) > MAX_BATCH:
        raise RecordError(
            "too_large", f"the array has {len(found)} events; the maximum is {MAX_BATCH}"
        )
    caller_of(request).count(len(found) - 1 if found else 0)
    return [to_json(entry) for entry in found]


def decode(raw: bytes, kind: Kind[V], settings: Settings, request: Request) -> V:
    """Read a value, and check its tokens and that the caller owns its household.

    The response names the fields that were ignored.

    Raises:
        RecordError: like ``Kind.decode_strictly``, ``check_tokens`` and ``Caller.check``.
    """
    try:
        value, ignored = kind.read(raw)
    except RecordError:
        note_ignored(request, ignored_in(raw, kind.value))
        raise
    note_ignored(request, ignored)
    check_tokens(value, ids=settings.token_ids)
    caller_of(request).check(value)
    return value


def event_number(last_event_id: str) -> int | None:
    """Read the header ``Last-Event-ID``; return ``None`` if it is empty.

    Raises:
        RecordError: with code ``bad_event_id``.
    """
    if last_event_id and not _EVENT_NUMBER.fullmatch(last_event_id):
        raise RecordError(
            "bad_event_id", "Last-Event-ID must be the id of an event from this stream"
        )
    return int(last_event_id) if last_event_id else None


def context_of(headers: Mapping[str, str], settings: Settings, caller: Caller) -> RequestContext:
    """Read the headers of a request: its deadline, its trace, and the URL for late answers.

    A callback receives data about a tenant's households, so its URL must be listed for the
    caller's tenant.

    Raises:
        RecordError: with code ``bad_deadline`` or ``bad_callback``.
    """
    trace, callback = headers.get("traceparent", ""), headers.get("x-misfire-late-url")
    return RequestContext(
        seconds=_seconds_left(headers, settings),
        tenant=caller.tenant or "",
        trace=trace_of([("traceparent", trace.encode())]),
        callback=check_callback(callback, settings.callback_urls, caller.tenant)
        if callback
        else None,
    )


def _seconds_left(headers: Mapping[str, str], settings: Settings) -> float:
    """Return the deadline in seconds, less the time already spent if there is an absolute one.

    An absolute deadline in the past is ignored: it means that the clocks differ, because a client
    whose deadline is over no longer waits.
    """
    named, absolute = headers.get("x-misfire-deadline-ms"), headers.get("x-misfire-deadline")
    if named is not None and (
        not _NUMBER.fullmatch(named) or not 1 <= int(named) <= LONGEST_DEADLINE_MS
    ):
        raise RecordError(
            "bad_deadline",
            f"X-Misfire-Deadline-Ms must be a whole number from 1 to {LONGEST_DEADLINE_MS}",
        )
    budget = (settings.deadline_ms if named is None else int(named)) / 1000.0
    if absolute is None:
        return budget
    try:
        left = (read_timestamp(absolute) - datetime.now(UTC)).total_seconds()
    except InvalidValue as error:
        raise RecordError("bad_deadline", f"X-Misfire-Deadline: {error}") from None
    return left if 0.0 < left < budget else budget
