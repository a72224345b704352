"""The table of every limit on input: what it limits, its value, and what happens beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts import confirmations as answers
from detector.contracts import events, rules
from detector.household import command_rate, state
from detector.policy import policy
from streams.files import bundles
from streams.files import events as stream_files
from streams.files import lines as line_files
from streams.files.importers import json_records as foreign_json
from streams.files.importers import source as foreign
from streams.files.understanding import wording
from streams.gateway import requests
from streams.privacy import archive
from streams.serving import bounds
from streams.wire import announcements, records, strict_json
from streams.wire import callback_addresses as callbacks
from streams.worker import dead_letters as letters
from streams.worker import shadow_verdicts
from streams.worker import table as households

__all__ = ["LIMITS", "Limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. ``beyond`` is the refusal's reason code, or a sentence if nothing is refused."""

    what: str
    most: float
    unit: str
    beyond: str


_EVICTED = "nothing is refused: the least recently used entry is dropped"

_CLOSED = "the connection is closed and counted"

LIMITS = (
    Limit("size of a record or a request", records.MAX_BYTES, "bytes", "too_large"),
    Limit("record of a channel", announcements.MAX_CHANNEL_BYTES, "bytes", "it is not applied"),
    Limit("upload of a home", records.MAX_UPLOAD_BYTES, "bytes", "too_large"),
    Limit("request line and headers of a request", bounds.MAX_HEAD_BYTES, "bytes", "status 431"),
    Limit("headers of a request", bounds.MAX_HEADERS, "headers", "status 400"),
    Limit(
        "time to receive a head, from its first byte to its last",
        bounds.HEAD_SECONDS,
        "s",
        "status 408",
    ),
    Limit(
        "size of a body on the wire, chunk framing included",
        bounds.MAX_BODY_BYTES,
        "bytes",
        _CLOSED,
    ),
    Limit("chunks and trailers of a body", bounds.MAX_CHUNKS, "chunks", _CLOSED),
    Limit(
        "time to receive a body, from the head to its last byte", bounds.BODY_SECONDS, "s", _CLOSED
    ),
    Limit(
        "pipelined requests on one connection before the first response",
        bounds.MAX_PIPELINED,
        "requests",
        _CLOSED,
    ),
    Limit("time for a TLS handshake", bounds.HANDSHAKE_SECONDS, "s", _CLOSED),
    Limit("time that a connection may be idle", bounds.IDLE_SECONDS, "s", _CLOSED),
    Limit(
        f"time for a client to read {bounds.LEAST_SENT:,} bytes of a response",
        bounds.WRITE_SECONDS,
        "s",
        _CLOSED,
    ),
    Limit(
        "connections to a server, at most half of them from one address; fewer if its limit on "
        "open files is lower",
        bounds.MAX_CONNECTIONS,
        "connections",
        "the connection that has kept the server waiting longest is closed",
    ),
    Limit("length of a callback URL", callbacks.MAX_URL_LENGTH, "characters", "bad_callback"),
    Limit("events in one request", requests.MAX_BATCH, "events", "too_large"),
    Limit("deadline that a client may request", requests.LONGEST_DEADLINE_MS, "ms", "bad_deadline"),
    Limit("nesting of JSON", records.MAX_DEPTH, "levels", "not_json"),
    Limit("digits of a number in JSON", strict_json.MAX_DIGITS, "digits", strict_json.AMBIGUOUS),
    Limit("length of an id, in printable ASCII", events.MAX_ID_LENGTH, "characters", "schema"),
    Limit("slots in an event", events.MAX_SLOTS, "slots", "schema"),
    Limit("length of a slot's name or token", events.MAX_TOKEN_LENGTH, "characters", "schema"),
    Limit("length of a confirmation's proof", answers.MAX_PROOF_LENGTH, "characters", "schema"),
    Limit(
        "difference between a device's clock and the log's",
        policy.Clock().skew_seconds,
        "s",
        "nothing is refused: the log's time is used instead (clock_replaced)",
    ),
    Limit(
        "open sessions of a household, each with at most one open chain",
        state.MAX_SESSIONS,
        "sessions",
        "nothing is refused: the oldest one is dropped without learning from it, and counted"
        " (misfire_sessions_dropped_total)",
    ),
    Limit("decisions kept for repeated events", state.MAX_RECENT, "decisions", _EVICTED),
    Limit("turns kept in a session", state.MAX_TURNS, "turns", _EVICTED),
    Limit(
        "slots kept in a session or a chain",
        state.MAX_KNOWN_SLOTS,
        "slots",
        "nothing is refused: the oldest slot is dropped",
    ),
    Limit(
        "size of a household's state, packed",
        households.LARGEST_STATE,
        "bytes",
        "its open sessions and questions are dropped and counted",
    ),
    Limit(
        "commands of a household within an hour",
        command_rate.COMMANDS_AN_HOUR,
        "commands",
        "nothing is refused: they are marked household_over_limit, and confirmed if they may do"
        " harm",
    ),
    Limit(
        "households that a worker keeps decoded", households.MOST_DECODED, "households", _EVICTED
    ),
    Limit("committed chains waiting for their outcome", state.MAX_PENDING, "chains", _EVICTED),
    Limit("earlier commands that a label can reach", state.MAX_PAST, "commands", _EVICTED),
    Limit("labels of a household that can be withdrawn", state.MAX_LABELS, "labels", _EVICTED),
    Limit("rules of a tenant", rules.MAX_RULES, "rules", "too_many_rules"),
    Limit("tokens kept in a household's state", state.MAX_TOKENS, "tokens", _EVICTED),
    Limit("intents kept in a household's state", state.MAX_INTENTS, "intents", _EVICTED),
    Limit(
        "size of the value kept in a dead letter",
        letters.LARGEST_LETTER,
        "bytes",
        "the value is truncated",
    ),
    Limit(
        "differing verdicts of shadow bundles that a worker publishes for a tenant",
        shadow_verdicts.PER_MINUTE,
        "a minute",
        "further ones are counted only (misfire_shadow_unpublished_total)",
    ),
    Limit(
        "differing verdicts of shadow bundles that wait for Kafka",
        shadow_verdicts.WAITING,
        "records",
        "further ones are counted only (misfire_shadow_unpublished_total)",
    ),
    Limit("length of a line in a file", line_files.LONGEST_LINE, "bytes", "exit code 2"),
    Limit(
        "unpacked size of a .gz file, relative to its packed size",
        line_files.MOST_UNPACKED,
        "times",
        "exit code 2",
    ),
    Limit("size of a record in an imported log", foreign.LARGEST_RECORD, "bytes", "exit code 2"),
    Limit("nesting of an imported log", foreign_json.MAX_DEPTH, "levels", "exit code 2"),
    Limit(
        "length of a text that is understood",
        wording.LONGEST_TEXT,
        "characters",
        "nothing is refused: its intent is other.Request",
    ),
    Limit("length of a label", stream_files.LONGEST_LABEL, "characters", "exit code 2"),
    Limit("size of a bundle, packed or unpacked", bundles.LARGEST_BUNDLE, "bytes", "exit code 3"),
    Limit("size of an export archive, unpacked", archive.LARGEST_UNPACKED, "bytes", "exit code 2"),
)
