"""Kinds of records: JSON values, with headers of the CloudEvents 1.0 Kafka binding (binary mode).

The schemas are derived from the core's dataclasses. Errors name fields and never quote values,
because a value may be something that a person said.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
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
from detector.contracts.labels import Label
from detector.contracts.rules import Rule
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
    "HISTORY",
    "INTENT",
    "LABEL",
    "LATE_MS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_UPLOAD_BYTES",
    "OUTCOME",
    "OUTCOME_APPLIED",
    "PROBE",
    "PROBE_ANSWERED",
    "REFUSAL",
    "REMOVED_BY",
    "REMOVED_WHY",
    "REPLY_PARTITION",
    "RESULT",
    "RULE",
    "UPLOAD",
    "Command",
    "Headers",
    "HouseholdCommand",
    "HouseholdUpload",
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

#: Largest value in bytes. The largest intent, with 32 slots of the longest tokens, takes 9 KiB.
MAX_BYTES = 65_536
#: Largest upload of a household in bytes; Kafka's default limit is 1 MiB for the whole record.
MAX_UPLOAD_BYTES = 900_000
#: Levels of nesting that the JSON parser accepts (its own limit).
MAX_DEPTH = 200

#: A string as ``repr()`` writes it.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


@dataclass(frozen=True)
class Kind(Generic[V]):
    """A kind of record: its CloudEvents type, the class of its value and its largest size.

    Fields named in ``later`` were added after the first release. A record leaves them out while
    they are ``None``, so that it has the bytes of earlier versions.
    """

    type: str
    value: builtins.type[V]
    most_bytes: int = MAX_BYTES
    later: tuple[str, ...] = ()

    @cached_property
    def adapter(self) -> TypeAdapter[V]:
        """Encoder and decoder of the value, built at the first use: it takes milliseconds."""
        from pydantic import TypeAdapter  # noqa: PLC0415 - slow, and not needed to import the client

        return TypeAdapter(self.value)

    def warm(self) -> None:
        """Build the adapter now rather than with the first value."""
        _ = self.adapter

    def encode(self, value: V) -> bytes:
        """Return the JSON of a value; equal values give equal bytes."""
        absent = {name for name in self.later if getattr(value, name) is None}
        return self.adapter.dump_json(value, exclude=absent or None)

    def decode(self, data: bytes | None) -> V:
        """Decode a value.

        Raises:
            RecordError: with code ``too_large``, ``not_json`` or ``schema``.
        """
        if data is None:
            raise RecordError("schema", "the record has no value")
        if len(data) > self.most_bytes:
            raise RecordError(
                "too_large", f"the value has {len(data)} bytes; the limit is {self.most_bytes}"
            )
        try:
            return self.adapter.validate_json(data, strict=True)
        except ValidationError as error:
            raise _described(error) from None

    def decode_strictly(self, data: bytes | None) -> V:
        """Decode a value from a client, and refuse JSON that other parsers may read differently.

        Raises:
            RecordError: as ``decode``, and with code ``ambiguous_json``.
        """
        value = self.decode(data)
        # A value that encodes to the same bytes has no duplicate names.
        if data is not None and self.encode(value) != data:
            check_unambiguous(data)
        return value

    def read(self, data: bytes | None) -> tuple[V, set[str]]:
        """Decode a value like ``decode_strictly``, and return the names of unknown fields with it.

        Raises:
            RecordError: as ``decode_strictly``.
        """
        value = self.decode(data)
        # A value that encodes to the same bytes has no duplicate and no unknown names.
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
    """The worker's answer to a record that it sent to dead letters: a code and a sentence."""

    code: str
    detail: str


class Command(StrEnum):
    """What an operator's command does: erase a household, or record that an export was refused."""

    ERASE = "erase"
    EXPORT_REFUSED = "export_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdCommand:
    """An operator's command about one household."""

    command_id: str
    command: Command
    household_id: str
    time: Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdUpload:
    """The state of a household that an embedded hook served before.

    ``state`` is the packed state (``state/packing.py``) in base64.
    """

    upload_id: str
    household_id: str
    time: Timestamp
    state: str


INTENT: Kind[IntentEvent] = Kind("assistant.intent.v1", IntentEvent)
DECISION: Kind[Decision] = Kind(
    "assistant.decision.v1", Decision, later=("model_verdict", "rule", "rules")
)
OUTCOME: Kind[Outcome] = Kind("assistant.outcome.v1", Outcome)
#: Answers to confirmations share the topic of outcomes; the type distinguishes them.
ANSWER: Kind[ConfirmationAnswer] = Kind("assistant.confirmation.v1", ConfirmationAnswer)
RESULT: Kind[ConfirmationResult] = Kind("assistant.confirmation.result.v1", ConfirmationResult)
REFUSAL: Kind[Refusal] = Kind("assistant.refusal.v1", Refusal)
#: Commands share the topic of intents, so that they are applied in order with them.
COMMAND: Kind[HouseholdCommand] = Kind("misfire.household-command.v1", HouseholdCommand)
#: An upload shares the topic of intents as well: it comes before the household's next event.
UPLOAD: Kind[HouseholdUpload] = Kind(
    "misfire.household-upload.v1", HouseholdUpload, MAX_UPLOAD_BYTES
)
#: A label shares the topic of intents too: a household applies it after the event that it is about.
#: The worker writes it to the topic of labels, with its effect.
LABEL: Kind[Label] = Kind("misfire.label.v1", Label)
#: A rule has a topic of its own, with its id as the key; a record without a value removes it.
RULE: Kind[Rule] = Kind("misfire.rule.v1", Rule)
#: Headers of a removal: who removed the rule, and why.
REMOVED_BY, REMOVED_WHY = "misfire_removed_by", "misfire_removed_why"
#: Type of the worker's answer to an outcome if the client waits for one. It has no value.
OUTCOME_APPLIED = "assistant.outcome.applied.v1"
#: Types of a liveness probe in the topic of intents and of its answer. It has no household.
PROBE, PROBE_ANSWERED = "misfire.probe.v1", "misfire.probe.answered.v1"

#: Headers that name the partition on which a client waits for the answer, and the answer's id.
REPLY_PARTITION, CORRELATION_ID = "misfire_reply_partition", "misfire_correlation_id"
#: Header of an answer: the partition of the record that it answers.
ANSWERED_PARTITION = "misfire_answered_partition"
#: Header of a request: the deadline (RFC 3339). Header of a late answer: milliseconds past it.
DEADLINE, LATE_MS = "misfire_deadline", "misfire_late_ms"
#: Header of the time at which misfire first received a record, in seconds since the epoch. A
#: gateway sets it, and whatever sends a logged record again.
FIRST_LOGGED = "misfire_first_logged"
#: Header of a record that was decided or applied before it came to Kafka. A worker skips it.
HISTORY = "misfire_history"
#: Ten digits suffice until the year 2286.
_SECONDS = re.compile(rb"[0-9]{1,10}(\.[0-9]{1,9})?")


def header(headers: Headers | Mapping[str, bytes] | None, name: str) -> bytes | None:
    """Return the first header of that name."""
    if isinstance(headers, list | tuple):  # before the slower test for any mapping
        pairs: Iterable[tuple[str, bytes]] = headers
    else:
        pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    for key, value in pairs:
        if key == name:
            return value
    return None


def logged_before(headers: Headers) -> float | None:
    """Return the earliest ``FIRST_LOGGED`` time in the headers, or ``None``.

    Every producer can set the header, so it may only be used to reject a record.
    """
    found = [value for name, value in headers or () if name == FIRST_LOGGED]
    return min((float(value) for value in found if _SECONDS.fullmatch(value or b"")), default=None)


def first_logged(headers: Headers, timestamp: float) -> tuple[str, bytes]:
    """Return the header for a record that is sent again, with the earliest known time."""
    earlier = logged_before(headers)
    return FIRST_LOGGED, f"{timestamp if earlier is None else min(earlier, timestamp):.3f}".encode()


def check_type(headers: Headers | Mapping[str, bytes] | None, kind: Kind[Any]) -> None:
    """Refuse a record of another type; a record without a type is taken for the topic's own kind.

    Raises:
        RecordError: with code ``unknown_type``.
    """
    named = header(headers, "ce_type")
    if named is not None and named != kind.type.encode():
        raise RecordError("unknown_type", f"the record's ce_type is not {kind.type!r}")


def check_time(value: bytes | None) -> None:
    """Refuse a CloudEvent with an invalid time. misfire ignores it, but other readers may not.

    Raises:
        RecordError: with code ``schema``.
    """
    if value is None:
        return
    try:
        read_timestamp(value.decode("latin-1"))
    except InvalidValue as error:
        raise RecordError("schema", f"the CloudEvent's time: {error}") from None


def _described(error: ValidationError) -> RecordError:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return RecordError("not_json", "the value is not JSON")
    # Only the top field is named: what is below, such as a slot's name, comes from the sender.
    texts = dict.fromkeys(
        f"{problem['loc'][0] if problem['loc'] else 'the value'}: {_without_value(problem)}"
        for problem in problems
    )
    return RecordError("schema", "; ".join(texts))


def _without_value(problem: Mapping[str, Any]) -> str:
    """Return the problem without the value, which the core's own errors quote first."""
    text = str(problem["msg"])
    if problem["type"] != "value_error":
        return text
    return _QUOTED.sub("…", text.removeprefix("Value error, "), count=1)
