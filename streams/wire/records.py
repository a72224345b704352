"""Values on the wire: JSON in UTF-8, headers in the CloudEvents 1.0 Kafka binding (binary mode).

The schemas are those of the core's own dataclasses; nothing is written down twice. Errors name fields and never repeat
values, because a value may be something that somebody said.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic_core import ValidationError

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import Decision
from detector.contracts.errors import InvalidValue
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.timestamps import Timestamp, read_timestamp
from streams.errors import RecordError
from streams.wire.ignored_fields import ignored_in
from streams.wire.strict_json import check_unambiguous

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "ANSWER",
    "ANSWERED_PARTITION",
    "COMMAND",
    "CORRELATION_ID",
    "DEADLINE",
    "DECISION",
    "FIRST_LOGGED",
    "INTENT",
    "LATE_MS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "OUTCOME",
    "OUTCOME_APPLIED",
    "PROBE",
    "PROBE_ANSWERED",
    "REFUSAL",
    "REPLY_PARTITION",
    "RESULT",
    "Command",
    "Headers",
    "HouseholdCommand",
    "Kind",
    "Refusal",
    "check_time",
    "check_type",
    "first_logged",
    "header",
    "logged_before",
]

V = TypeVar("V")
Headers = Sequence[tuple[str, bytes]]

#: The largest intent with 32 slots of the longest tokens takes 9 KiB; anything above this is not one.
MAX_BYTES = 65_536
#: Levels of nesting inside of a value that the JSON reader goes down to (its own bound).
MAX_DEPTH = 200

#: What repr() makes of a string.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True)
class Kind(Generic[V]):
    """One kind of record: its CloudEvents type, and the class of its value, from which it is written and read."""

    type: str
    value: builtins.type[V]

    @cached_property
    def adapter(self) -> TypeAdapter[V]:
        """What writes and reads the value; made at the first use, because making one takes milliseconds."""
        from pydantic import TypeAdapter  # noqa: PLC0415 - a runtime that only imports the client does without

        return TypeAdapter(self.value)

    def warm(self) -> None:
        """Make the adapter now, so that the first value does not wait for it."""
        _ = self.adapter

    def encode(self, value: V) -> bytes:
        """Write a value; the same value gives the same bytes."""
        return self.adapter.dump_json(value)

    def decode(self, data: bytes | None) -> V:
        """Read a value.

        Raises:
            RecordError: with code ``too_large``, ``not_json`` or ``schema``.
        """
        if data is None:
            raise RecordError("schema", "the record has no value")
        if len(data) > MAX_BYTES:
            raise RecordError(
                "too_large", f"the value has {len(data)} bytes; at most {MAX_BYTES} are read"
            )
        try:
            return self.adapter.validate_json(data, strict=True)
        except ValidationError as error:
            raise _described(error) from None

    def decode_strictly(self, data: bytes | None) -> V:
        """Read a value that somebody else wrote: as ``decode``, and refuse what another reader might take for something else.

        Raises:
            RecordError: as ``decode``, and with code ``ambiguous_json``.
        """
        return self.read(data)[0]

    def read(self, data: bytes | None) -> tuple[V, set[str]]:
        """Read a value as ``decode_strictly`` does, with the names of the fields in it that nobody knows.

        Raises:
            RecordError: as ``decode_strictly``.
        """
        value = self.decode(data)
        # What we would have written ourselves has every name once, and no other.
        if data is None or self.encode(value) == data:
            return value, set()
        check_unambiguous(data)
        return value, ignored_in(data, self.value)

    def headers(
        self, event_id: str, time: datetime, *, source: str, trace: bytes | None = None
    ) -> list[tuple[str, bytes]]:
        """Return the CloudEvents headers of a record."""
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id.encode()),
            ("ce_type", self.type.encode()),
            ("ce_source", source.encode()),
            ("ce_time", time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
            ("content-type", b"application/json"),
        ]
        return headers if trace is None else [*headers, ("traceparent", trace)]

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return self.adapter.json_schema()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the worker answers to a record that it sent to dead letters: the reason as a word, and a sentence."""

    code: str
    detail: str


class Command(StrEnum):
    """What an operator does to one household: it is erased, or it is only counted that an export was refused."""

    ERASE = "erase"
    EXPORT_REFUSED = "export_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdCommand:
    """A command about one household."""

    command_id: str
    command: Command
    household_id: str
    time: Timestamp


INTENT: Kind[IntentEvent] = Kind("assistant.intent.v1", IntentEvent)
DECISION: Kind[Decision] = Kind("assistant.decision.v1", Decision)
OUTCOME: Kind[Outcome] = Kind("assistant.outcome.v1", Outcome)
#: An answer to a confirmation goes the way of the outcomes, and is told from them by its type.
ANSWER: Kind[ConfirmationAnswer] = Kind("assistant.confirmation.v1", ConfirmationAnswer)
RESULT: Kind[ConfirmationResult] = Kind("assistant.confirmation.result.v1", ConfirmationResult)
REFUSAL: Kind[Refusal] = Kind("assistant.refusal.v1", Refusal)
#: A command goes among the household's intents, so that it is applied in their order, and is told from them by its type.
COMMAND: Kind[HouseholdCommand] = Kind("misfire.household-command.v1", HouseholdCommand)
#: What the worker answers to an outcome that somebody waits for; it has no value.
OUTCOME_APPLIED = "assistant.outcome.applied.v1"
#: A record among the intents that only asks whether a worker answers, and the answer. It is of no household, and no event.
PROBE, PROBE_ANSWERED = "misfire.probe.v1", "misfire.probe.answered.v1"

#: Headers by which an asker says where it waits for the answer.
REPLY_PARTITION, CORRELATION_ID = "misfire_reply_partition", "misfire_correlation_id"
#: The header of an answer that says in which partition the record stood that it answers.
ANSWERED_PARTITION = "misfire_answered_partition"
#: The asker's deadline as a point in time (RFC 3339), and on an answer that comes after it, by how many milliseconds it is late.
DEADLINE, LATE_MS = "misfire_deadline", "misfire_late_ms"
#: When a record was with misfire first, in seconds since the epoch: a gateway that accepted it, or the log where it is sent again.
FIRST_LOGGED = "misfire_first_logged"
#: Ten digits last until the year 2286.
_SECONDS = re.compile(rb"[0-9]{1,10}(\.[0-9]{1,9})?")


def header(headers: Headers | Mapping[str, bytes] | None, name: str) -> bytes | None:
    """Return the first header of that name."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return next((value for key, value in pairs if key == name), None)


def logged_before(headers: Headers) -> float | None:
    """Return the earliest time at which headers say that their record was there; ``None`` where they say nothing.

    Anyone who may produce can write it, so it may only ever keep a record out.
    """
    said = [value for name, value in headers or () if name == FIRST_LOGGED]
    return min((float(value) for value in said if _SECONDS.fullmatch(value or b"")), default=None)


def first_logged(headers: Headers, timestamp: float) -> tuple[str, bytes]:
    """Return the header for a record that is sent again: what it says itself where that is earlier than the log's ``timestamp``."""
    said = logged_before(headers)
    return FIRST_LOGGED, f"{timestamp if said is None else min(said, timestamp):.3f}".encode()


def check_type(headers: Headers | Mapping[str, bytes] | None, kind: Kind[Any]) -> None:
    """Refuse a record that says it is of another type; one that says nothing is taken for what its topic holds.

    Raises:
        RecordError: with code ``unknown_type``.
    """
    named = header(headers, "ce_type")
    if named is not None and named != kind.type.encode():
        raise RecordError("unknown_type", f"the record's ce_type is not {kind.type!r}")


def check_time(said: bytes | None) -> None:
    """Refuse a CloudEvent whose time is none; it decides nothing, but the next reader may believe it.

    Raises:
        RecordError: with code ``schema``.
    """
    if said is None:
        return
    try:
        read_timestamp(said.decode("latin-1"))
    except InvalidValue as error:
        raise RecordError("schema", f"the CloudEvent's time: {error}") from None


def _described(error: ValidationError) -> RecordError:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return RecordError("not_json", "the value is not JSON")
    # Only the field is named: what lies below it (a slot's name) is the sender's, and there may be thousands of it.
    texts = dict.fromkeys(
        f"{problem['loc'][0] if problem['loc'] else 'the value'}: {_without_value(problem)}"
        for problem in problems
    )
    return RecordError("schema", "; ".join(texts))


def _without_value(problem: Mapping[str, Any]) -> str:
    """What is wrong, without the value that the core's own errors quote first."""
    text = str(problem["msg"])
    if problem["type"] != "value_error":
        return text
    return _QUOTED.sub("…", text.removeprefix("Value error, "), count=1)
