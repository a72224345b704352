"""Every limit on what comes in, in one table: what it is, where it is set, and what happens beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts import confirmations as answers
from detector.contracts import events
from detector.household import state
from detector.policy import policy
from streams.files import bundles
from streams.files import events as stream_files
from streams.files import lines as line_files
from streams.gateway import requests
from streams.privacy import archive
from streams.serving import bounds
from streams.wire import callback_addresses as callbacks
from streams.wire import records, strict_json
from streams.worker import dead_letters as letters
from streams.worker import table as households

__all__ = ["LIMITS", "Limit"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit. ``beyond`` is the reason of the refusal as a word, or a sentence where nothing is refused."""

    what: str
    most: float
    unit: str
    beyond: str


_FORGOTTEN = "nothing is refused: what was used longest ago is forgotten"

_CUT = "the connection ends, and is counted"

LIMITS = (
    Limit("size of a record or a request", records.MAX_BYTES, "bytes", "too_large"),
    Limit("request line and headers of a request", bounds.MAX_HEAD_BYTES, "bytes", "status 431"),
    Limit("headers of a request", bounds.MAX_HEADERS, "headers", "status 400"),
    Limit("a head, from its first byte to its last", bounds.HEAD_SECONDS, "s", "status 408"),
    Limit("a body as it comes, chunks' own bytes included", bounds.MAX_BODY_BYTES, "bytes", _CUT),
    Limit("chunks and trailers of a body", bounds.MAX_CHUNKS, "chunks", _CUT),
    Limit("a body, from the head to its last byte", bounds.BODY_SECONDS, "s", _CUT),
    Limit(
        "requests on one connection before the first answer", bounds.MAX_PIPELINED, "requests", _CUT
    ),
    Limit("a TLS handshake", bounds.HANDSHAKE_SECONDS, "s", _CUT),
    Limit("an idle connection", bounds.IDLE_SECONDS, "s", _CUT),
    Limit(
        f"time to read each {bounds.LEAST_SENT:,} bytes of an answer",
        bounds.WRITE_SECONDS,
        "s",
        _CUT,
    ),
    Limit(
        "connections of a server, fewer where it may open fewer files; one address has half of them",
        bounds.MAX_CONNECTIONS,
        "connections",
        "who is waited for longest gives way",
    ),
    Limit("length of a callback's address", callbacks.MAX_URL_LENGTH, "characters", "bad_callback"),
    Limit("events in one request", requests.MAX_BATCH, "events", "too_large"),
    Limit("deadline that an asker may name", requests.LONGEST_DEADLINE_MS, "ms", "bad_deadline"),
    Limit("nesting of JSON", records.MAX_DEPTH, "levels", "not_json"),
    Limit("digits of a number", strict_json.MAX_DIGITS, "digits", strict_json.AMBIGUOUS),
    Limit("length of an id, in printable ASCII", events.MAX_ID_LENGTH, "characters", "schema"),
    Limit("slots of an event", events.MAX_SLOTS, "slots", "schema"),
    Limit("length of a slot's name or token", events.MAX_TOKEN_LENGTH, "characters", "schema"),
    Limit("proof of a confirmation", answers.MAX_PROOF_LENGTH, "characters", "schema"),
    Limit(
        "how far a device's clock may be off",
        policy.Clock().skew_seconds,
        "s",
        "nothing is refused: the log's time stands in (clock_replaced)",
    ),
    Limit(
        "open sessions of a household, each with at most one open chain",
        state.MAX_SESSIONS,
        "sessions",
        _FORGOTTEN,
    ),
    Limit("decisions that a repeated event gets again", state.MAX_RECENT, "decisions", _FORGOTTEN),
    Limit("turns that a session remembers", state.MAX_TURNS, "turns", _FORGOTTEN),
    Limit(
        "slots that a session or a chain remembers",
        state.MAX_KNOWN_SLOTS,
        "slots",
        "nothing is refused: what was named first is forgotten",
    ),
    Limit(
        "a household, packed",
        households.LARGEST_STATE,
        "bytes",
        "its open sessions and questions are forgotten, and counted",
    ),
    Limit("committed chains that wait for their outcome", state.MAX_PENDING, "chains", _FORGOTTEN),
    Limit("tokens that a household remembers", state.MAX_TOKENS, "tokens", _FORGOTTEN),
    Limit("intents that a household remembers", state.MAX_INTENTS, "intents", _FORGOTTEN),
    Limit(
        "value repeated in a dead letter",
        letters.LARGEST_LETTER,
        "bytes",
        "the letter's value is cut",
    ),
    Limit("line of a file", line_files.LONGEST_LINE, "bytes", "exit code 2"),
    Limit(
        "what a .gz may unpack to, times its size", line_files.MOST_UNPACKED, "times", "exit code 2"
    ),
    Limit("length of a label", stream_files.LONGEST_LABEL, "characters", "exit code 2"),
    Limit("a bundle, packed or unpacked", bundles.LARGEST_BUNDLE, "bytes", "exit code 3"),
    Limit("an export's archive, unpacked", archive.LARGEST_UNPACKED, "bytes", "exit code 2"),
)
