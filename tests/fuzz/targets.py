"""Fuzz targets: one function for each reader of foreign bytes.

A reader may raise only the errors of its contract; a target raises anything else.
``test_targets.py`` (in ``make test``) runs each target for a few seconds. ``campaign.py``
(``make fuzz``) runs a million inputs, guided by coverage. Both start from seeds: valid inputs, and
inputs that once broke a reader.
"""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyrage
from prometheus_client import CollectorRegistry, generate_latest

from detector.contracts.decisions import Verdict
from detector.contracts.errors import BundleError, PolicyError
from detector.contracts.events import OutcomeKind
from detector.decision.bundle import bundle_from_files, bundle_to_files
from detector.policy.fallback import fallback_decision
from detector.policy.parsing import parse_policy
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.files.bundles import read_bundle, write_bundle
from streams.files.events import read_events, read_labels
from streams.files.keyring import read_keyring
from streams.gateway.requests import context_of as context_of_request
from streams.hook.connection import Answer
from streams.hook.reading import UnreadableAnswerError, detail_of, read_decision, read_result
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DEAD_LETTERS, HOUSEHOLDS, INTENTS, REPLIES
from streams.lifecycle.feed import apply_record
from streams.lifecycle.rule_log import RuleLog
from streams.lifecycle.schedule import deciders, holding
from streams.operations.redrive import sort_letters
from streams.privacy.archive import open_archive, seal
from streams.privacy.holdings import collect
from streams.privacy.ownership import Whose, judge, owners_in
from streams.runtimes import Gate
from streams.runtimes.bridges.hermes import HermesBridge
from streams.runtimes.bridges.hermes_messages import DOWN
from streams.runtimes.contract import Script, ScriptedHook
from streams.serving.access.guard import Caller, Guard
from streams.settings import Settings, load
from streams.telemetry.exposition import MergedMetrics
from streams.wire import records
from streams.wire.announcements import BUNDLE_CHANNEL, Channel
from streams.wire.cloudevents import type_inside, unwrapped, wrapped
from streams.wire.records import DECISION, INTENT, OUTCOME, RULE, Kind
from streams.wire.reply_headers import reply_target, trace_of
from streams.worker.dead_letters import letter_about
from streams.worker.handling import (
    Incoming,
    read_answer,
    read_command,
    read_intent,
    read_outcome,
    read_upload,
)
from tests.detector.builders import (
    DOUBTFUL,
    START,
    event,
    given_to,
    hand_bundle,
    heard,
    outcome,
    run,
    send_message,
)
from tests.detector.rules import rule as built_rule
from tests.fuzz import foreign
from tests.fuzz.http import CUT, gateway, operator
from tests.streams.lifecycle.announcements import announcement
from tests.streams.lifecycle.announcements import channel as announced

__all__ = ["TARGETS", "Target"]

EVENT = event(1, slots={"contact": "k1_5f0c"}, wake_confidence=0.5, commits=True)
_INTENT = INTENT.encode(EVENT)
_OUTCOME = OUTCOME.encode(outcome("e1", OutcomeKind.UNDONE))
DECIDED = fallback_decision(EVENT, hand_bundle().policy, code="overloaded", text="x")
GIVEN = given_to(run(heard(send_message(), DOUBTFUL), hand_bundle())[0][-1])
_CHANNEL = announced(announcement(1, "a" * 16), announcement(2, None, canary=0.5, since=None))
_KEY = b'["foreign_total", "foreign_total", {"a": "b"}, "x"]'
#: A file of prometheus_client with one value.
_COUNTS = struct.pack("iii52sdd", 80, 0, len(_KEY), _KEY.ljust(52), 7.0, 0.0)
_KINDS: list[Kind[Any]] = [kind for kind in vars(records).values() if isinstance(kind, Kind)]


@dataclass(frozen=True)
class Target:
    """A reader and its seeds.

    Attributes:
        name: the name on the command line.
        run: reads an input; raises only on a bug.
        seeds: the inputs to start from.
        weight: the relative share of a campaign; smaller for slow targets.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Sequence[bytes]
    weight: float = 1.0


def refusal(read: Callable[[], object], *errors: type[Exception]) -> str | None:
    """Return the message with which a reader refused its input, or ``None`` if it did not.

    Any exception other than ``errors`` is a bug.
    """
    try:
        read()
    except errors as refused:
        return str(refused)
    return None


def decoder(data: bytes) -> None:
    """Decode every kind of record: decoding round-trips, and the errors stay short."""
    for kind in _KINDS:
        refused = refusal(partial(kind.decode_strictly, data), RecordError)
        assert len(refused or "") < 2_000
        if refused is None:
            again = kind.encode(kind.decode_strictly(data))
            assert kind.encode(kind.decode_strictly(again)) == again


def record(data: bytes) -> None:
    """Read a Kafka record of key, value, then names and values of headers.

    A refused record becomes a dead letter that Kafka accepts.
    """
    key, value, *rest = (*data.split(CUT), b"", b"")[:12]
    headers = [
        (name.decode("utf-8", "replace"), each)
        for name, each in zip(rest[::2], rest[1::2], strict=False)
    ]
    incoming = Incoming(INTENTS, 0, 7, START.timestamp() + 60, key or None, value or None, headers)
    for read in (read_intent, read_outcome, read_answer, read_command, read_upload):
        for token_ids in (False, True):
            try:
                read(incoming, token_ids=token_ids)
            except RecordError as error:
                letter = letter_about(incoming, error)
                size = len(letter.value) + len(letter.key or b"")
                assert (
                    size + sum(len(name) + len(each) for name, each in letter.headers) < 1_000_000
                )
    asked = reply_target(headers, 4)
    assert asked is None or 0 <= asked.partition < 4
    assert len(trace_of(headers) or b"") <= 55


def request_headers(data: bytes) -> None:
    """Read the HTTP headers of a request."""
    texts = [part.decode("latin-1") for part in (data + 3 * CUT).split(CUT)]
    names = ("x-misfire-deadline-ms", "x-misfire-deadline", "x-misfire-late-url", "traceparent")
    try:
        asked = context_of_request(
            dict(zip(names, texts, strict=False)), Settings(), Caller(Guard(None))
        )
    except RecordError:
        return
    assert 0 < asked.seconds <= 10


def cloudevent(data: bytes) -> None:
    """Read a CloudEvent in structured mode."""
    type_inside(data)
    for kind in _KINDS:
        refusal(partial(unwrapped, data, kind), RecordError)


def client_answer(data: bytes) -> None:
    """Read the answer of any server in the client: it accepts only answers to its own request."""
    for status in (200, 409, 422):
        answer = Answer(status, data)
        detail_of(answer)
        if refusal(partial(read_decision, EVENT, answer), UnreadableAnswerError) is None:
            decision = read_decision(EVENT, answer)
            assert (decision.event_id, decision.household_id) == (
                EVENT.event_id,
                EVENT.household_id,
            )
            assert (
                decision.misfire_probability is None or 0.0 <= decision.misfire_probability <= 1.0
            )
        result = read_result(GIVEN, answer)
        assert (result.answer_id, result.household_id) == (GIVEN.answer_id, GIVEN.household_id)


def metrics_file(data: bytes) -> None:
    """Read a file of shared metrics: whatever is read can be exposed."""
    for name in ("counter_1.db", "gauge_livesum_1.db", "histogram_1.db"):
        path = _folder() / name
        path.write_bytes(data)
        registry = CollectorRegistry()
        registry.register(MergedMetrics([path]))
        generate_latest(registry)


def bundle(data: bytes) -> None:
    """Read a bundle with one of its files replaced."""
    for name in ("names.json", "arrays.npz", "policy.toml"):
        refusal(partial(bundle_from_files, _bundle() | {name: data}), BundleError)


def bundle_manifest(data: bytes) -> None:
    """Read a bundle on disk with another manifest."""
    folder = _folder() / "bundle"
    if not folder.exists():
        write_bundle(hand_bundle(), folder)
    (folder / "manifest.json").write_bytes(data)
    refusal(partial(read_bundle, folder), BundleError, DependencyUnavailable)


def policy(data: bytes) -> None:
    """Parse a policy."""
    refusal(partial(parse_policy, data.decode("utf-8", "replace")), PolicyError)


def settings_file(data: bytes) -> None:
    """Read ``misfire.toml``."""
    path = _folder() / "misfire.toml"
    path.write_bytes(data)
    refusal(partial(load, path, {}), UsageError)


def stream(data: bytes) -> None:
    """Read streams and labels: plain, compressed, and with a misleading suffix."""
    for name, content in (
        ("a.jsonl", data),
        ("b.jsonl.gz", data),
        ("c.jsonl.gz", gzip.compress(data, 1)),
    ):
        path = _folder() / name
        path.write_bytes(content)
        for read in (read_events, read_labels):
            refusal(partial(read, path), UsageError, DependencyUnavailable)


def keyring(data: bytes) -> None:
    """Read a keyring: no error shows a secret."""
    path = _folder() / "keys.json"
    path.touch(0o600)
    path.write_bytes(data)
    assert "secret-" not in (refusal(partial(read_keyring, path), UsageError) or "")


def ownership(data: bytes) -> None:
    """Judge whose a record is: an exported record names no other household."""
    for topic in (INTENTS, HOUSEHOLDS, REPLIES, DEAD_LETTERS):
        for key in (b"h1", b"h2", None):
            held = TopicRecord(
                Place(topic, 0, 0), 0.0, key, data, [("misfire_topic", INTENTS.encode())]
            )
            judged = judge(held, "h1")
            if judged.whose is Whose.OURS:
                line = b'{"type": "%b", "record": %b}' % (judged.type.encode(), judged.content)
                assert owners_in(line) == {"h1"}
                assert key != b"h2"


def redrive(data: bytes) -> None:
    """Redrive a dead letter of key, value, topic and reason: it is sent again unchanged."""
    key, value, topic, reason, *_ = (*data.split(CUT), b"", b"", b"")
    headers = [("misfire_topic", topic), ("misfire_reason", reason)]
    held = TopicRecord(Place(DEAD_LETTERS, 0, 0), 0.0, key, value, headers)
    for again in sort_letters([held], ["internal_error"], START + timedelta(days=1)).again:
        assert (again.key, again.value, again.topic.encode()) == (key, value, topic)


def channel(data: bytes) -> None:
    """Apply the record of a channel, and choose a bundle by it."""
    channels: dict[str, Channel] = {}
    refusal(partial(apply_record, channels, b"active", data), RecordError)
    for each in channels.values():
        for offset in (0, 5, 10**12):
            held = holding(each.announcements, 0, offset, topic_id="a", marks={})
            assert set(deciders(held, lambda _: True)) <= set(each.announcements)


def rule(data: bytes) -> None:
    """Apply the record of a rule, and the rule to a command."""
    log = RuleLog()
    refusal(partial(log.apply, 0, 1.0, b"r1", data), RecordError)
    rules = log.timeline.of("h1", "", at=99.0)
    matching = rules.matching("lights.TurnOn", "d1", 0.0)
    assert len(matching) <= len(rules.rules) <= 1


def archive(data: bytes) -> None:
    """Read the decrypted content of an export."""
    identity = _identity()
    sealed = pyrage.encrypt(data, [identity.to_public()])
    refusal(partial(open_archive, sealed, str(identity)), UsageError)


@cache
def _bundle() -> dict[str, bytes]:
    return bundle_to_files(hand_bundle())


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="misfire-fuzz-")
    _KEPT.append(folder)
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _identity() -> Any:
    return pyrage.x25519.Identity.generate()


def _archive() -> bytes:
    held = TopicRecord(Place(INTENTS, 0, 0), 0.0, b"h1", _INTENT)
    holdings = collect("h1", lambda topic: [held] if topic == INTENTS else [])
    return bytes(
        pyrage.decrypt(seal("h1", holdings, START, [_identity().to_public()]), [_identity()])
    )


def _damaged_zip() -> bytes:
    """Return a damaged zip with other compression methods, which raise errors of their own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for kind in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            packed.writestr(f"{kind}", _INTENT, compress_type=kind)
    return buffer.getvalue().replace(b"BZh", b"BZx")


def _manifest() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(hand_bundle(), Path(folder) / "b")
        return (Path(folder) / "b" / "manifest.json").read_bytes()


#: Inputs that broke a reader once, or might.
HOSTILE = [
    b"",
    b"[" * 5_000,
    b'{"a":' * 5_000,
    b'{"n": ' + b"9" * 10_000 + b"}",
    b"n = " + b"9" * 10_000,
    b"a = " + b"[" * 5_000,
    b'{"a": NaN, "a": -Infinity, "b": 1e999}',
    b'{"s": "\\ud800"}',
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf{}",
    b"version = 'x'\nbase_rate = nan\n[classes]\n",
    b'{"files": {"../../etc/passwd": {"sha256": ""}, "..": {"sha256": ""}, "": {"sha256": ""}}}',
    b"PK\x05\x06" + b"\0" * 18,
    b"\x1f\x8b\x08\x00",
]


def hermes(data: bytes) -> None:
    """A message of an MQTT broker; no intent may pass."""
    hook = ScriptedHook(Script(verdict=Verdict.BLOCK))
    passed: list[str] = []
    bridge = HermesBridge(Gate(hook), lambda *_: None, lambda topic, _: passed.append(topic))
    for topic in ("hermes/intent/lights.TurnOn", *sorted(DOWN)):
        bridge.from_rhasspy(topic, data)
    assert not any(topic.startswith("hermes/intent/") for topic in passed), data


TARGETS = {
    target.name: target
    for target in (
        Target("decoder", decoder, [_INTENT, _OUTCOME]),
        Target(
            "hermes", hermes, [b'{"sessionId": "s1", "intent": {}, "slots": [{"slotName": "a"}]}']
        ),
        Target("client_answer", client_answer, [DECISION.encode(DECIDED), b'{"detail": "x"}']),
        Target("metrics_file", metrics_file, [_COUNTS, _COUNTS[:20]]),
        Target(
            "record",
            record,
            [
                CUT.join(
                    [
                        b"h1",
                        _INTENT,
                        b"ce_type",
                        b"assistant.intent.v1",
                        b"traceparent",
                        b"00-1-2-01",
                    ]
                ),
                CUT.join(
                    [
                        b"h1",
                        _OUTCOME,
                        b"misfire_reply_partition",
                        b"1",
                        b"misfire_correlation_id",
                        b"c",
                    ]
                ),
            ],
        ),
        Target(
            "request_headers",
            request_headers,
            [b"150", CUT.join([b"150", b"2026-01-05T18:00:10Z"])],
        ),
        Target("cloudevent", cloudevent, [wrapped(_INTENT, INTENT, "e1", "fuzz")]),
        Target("bundle", bundle, list(_bundle().values()), weight=0.02),
        Target("bundle_manifest", bundle_manifest, [_manifest()], weight=0.2),
        Target("channel", channel, [BUNDLE_CHANNEL.encode(_CHANNEL)]),
        Target("rule", rule, [RULE.encode(built_rule(intent="lights.*"))]),
        Target("policy", policy, [_bundle()["policy.toml"]]),
        Target("settings", settings_file, [b'broker = "127.0.0.1:9092"\npartitions = 8\n']),
        Target("stream", stream, [_INTENT + b"\n", b'{"event_id": "e1", "label": "phantom"}\n']),
        Target(
            "keyring",
            keyring,
            [b'{"tenant": "a", "household": {"id": "h1", "secret": "secret-"}, "keys": []}'],
        ),
        Target("ownership", ownership, [_INTENT, _OUTCOME]),
        Target(
            "redrive", redrive, [CUT.join([b"h1", _INTENT, INTENTS.encode(), b"internal_error"])]
        ),
        Target(
            "gateway",
            gateway,
            [
                _INTENT,
                b"[" + _INTENT + b"]",
                _OUTCOME,
                CUT.join(
                    [
                        wrapped(_INTENT, INTENT, "e1", "fuzz"),
                        b"",
                        b"",
                        b"content-type",
                        b"application/cloudevents+json",
                    ]
                ),
                CUT.join(
                    [
                        _INTENT,
                        b"a=b",
                        b"c",
                        b"ce-type",
                        b"x",
                        b"traceparent",
                        b"00-1-2-01",
                        b"authorization",
                        b"Bearer x.y",
                    ]
                ),
            ],
            weight=0.1,
        ),
        Target(
            "operator",
            operator,
            [
                CUT.join([b'{"recipients": ["age1x"]}', b"wait=1", b"h2"]),
                CUT.join([b"{}", b"wait=nan", b"%00/.."]),
            ],
            weight=0.1,
        ),
        Target("archive", archive, [_archive(), _damaged_zip()]),
        Target(
            "foreign_json",
            foreign.foreign_json,
            [*foreign.samples("alexa.json", "takeout.json"), foreign.zipped_activity()],
            weight=0.5,
        ),
        Target("foreign_table", foreign.foreign_table, foreign.samples("table.csv")),
        Target(
            "foreign_database",
            foreign.foreign_database,
            [
                foreign.database_seed("homeassistant_current.sql"),
                foreign.database_seed("homeassistant_2021.sql"),
            ],
            weight=0.2,
        ),
        Target(
            "spoken_text",
            foreign.spoken_text,
            [b"alexa, unlock the front door", b"set a timer for ten minutes"],
            weight=0.02,
        ),
    )
}
