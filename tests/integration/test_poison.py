from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.topics import INTENTS, OUTCOMES
from streams.wire.records import INTENT, MAX_BYTES, OUTCOME, header
from tests.detector.builders import event, send_message
from tests.integration.kafka import ApacheKafka, Broker
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import Logs, Worker, logs, prepare, producing, publish, pure, until

#: Spoken words, which must not appear in any header.
SAID = "this-was-said-in-a-home"


def changed(**fields: Any) -> bytes:
    """Return a valid event with fields replaced; ``None`` removes one."""
    plain = json.loads(INTENT.encode(event(0, event_id="bad")))
    return json.dumps(
        {k: v for k, v in (plain | fields).items() if v is not None or k not in fields}
    ).encode()


@dataclass(frozen=True)
class Poison:
    """An invalid record, and the reason that its dead letter must give."""

    name: str
    reason: str
    value: Callable[[], bytes | None]
    key: bytes | None = b"h1"
    type: bytes = INTENT.type.encode()
    topic: str = INTENTS


POISONS = [
    Poison("not_json", "not_json", lambda: b"\x00" + SAID.encode()),
    Poison("cut_json", "not_json", lambda: changed()[:-5]),
    Poison("not_utf8", "not_json", lambda: b'{"intent": "\xff\xfe"}'),
    Poison("deep_json", "not_json", lambda: b"[" * 60_000),
    Poison("no_value", "schema", lambda: None),
    Poison("not_an_object", "schema", lambda: b"[1, 2]"),
    Poison("missing_field", "schema", lambda: changed(device_id=None)),
    Poison("wrong_type", "schema", lambda: changed(commits="yes")),
    Poison("unknown_act", "schema", lambda: changed(act=SAID)),
    Poison("bad_intent", "schema", lambda: changed(intent=SAID)),
    Poison("time_without_zone", "schema", lambda: changed(time="2026-01-05T18:00:00")),
    Poison("confidence_above_one", "schema", lambda: changed(asr_confidence=1.5)),
    Poison(
        "confidence_nan",
        "not_json",
        lambda: changed().replace(b'"asr_confidence": null', b'"asr_confidence": nan'),
    ),
    Poison("spoken_slot", "schema", lambda: changed(slots={"message": f"{SAID} " * 20})),
    Poison("key_mismatch", "key_mismatch", changed, key=b"h2"),
    Poison("no_key", "key_mismatch", changed, key=None),
    Poison("too_large", "too_large", lambda: changed(slots={"a": "x" * MAX_BYTES})),
    Poison("unknown_type", "unknown_type", changed, type=b"assistant.intent.v9"),
    Poison(
        "outcome_unknown",
        "schema",
        lambda: b'{"event_id": "e1"}',
        type=OUTCOME.type.encode(),
        topic=OUTCOMES,
    ),
    Poison(
        "outcome_not_json", "not_json", lambda: b"no", type=OUTCOME.type.encode(), topic=OUTCOMES
    ),
]


def test_each_invalid_record_becomes_a_dead_letter_and_the_next_event_is_decided(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    good = [
        each
        for n, _ in enumerate(POISONS)
        for each in send_message(10 * n, session=f"s{n}", days=n)
    ]
    prepare(apache_kafka)
    with Worker(apache_kafka, place, tmp_path / "log") as worker, logs(apache_kafka) as log:
        worker.wait_ready()
        for number, poison in enumerate(POISONS):
            _send(apache_kafka, poison)
            publish(apache_kafka, good[3 * number : 3 * number + 3])

        records = log.decided(len(good))
        letters = _letters(log, len(POISONS))

        assert {r.value for r in records} == set(pure(good, bundle).values())
        assert log.applied(len(good))["h1"].state.events == len(good)
        assert worker.process.poll() is None
        assert worker.ready()
        for reason in {poison.reason for poison in POISONS}:
            wanted = sum(poison.reason == reason for poison in POISONS)
            assert worker.metric("misfire_dead_letters_total", reason=reason) == wanted, reason

    by_value = {letter.value: letter for letter in letters if letter.value is not None}
    for poison in POISONS:
        value = poison.value()
        if value is None or poison.name in {"key_mismatch", "no_key", "unknown_type"}:
            # different each time, or the same bytes as another one; counted above
            continue
        letter = by_value[value]
        assert header(letter.headers, "misfire_reason") == poison.reason.encode(), poison.name
        assert letter.key == poison.key
        assert header(letter.headers, "misfire_topic") == poison.topic.encode()
    said = b"".join(value for letter in letters for _, value in letter.headers)
    assert SAID.encode() not in said
    assert SAID not in (tmp_path / "log").read_text()


def test_the_dead_letter_of_an_oversized_record_is_truncated_and_gives_its_size(
    broker: Broker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(broker)
    with Worker(broker, place, tmp_path / "log") as worker, logs(broker) as log:
        worker.wait_ready()
        value = changed(slots={"a": "x" * 1_000_000})
        try:
            _send(broker, Poison("huge", "too_large", lambda: value))
        except Exception as refused:  # noqa: BLE001 - a broker may refuse it itself, and then nothing has happened
            pytest.skip(f"this broker takes no record of that size: {type(refused).__name__}")
        publish(broker, send_message())

        log.decided(3)
        (letter,) = _letters(log, 1)

    assert header(letter.headers, "misfire_reason") == b"too_large"
    assert header(letter.headers, "misfire_size") == str(len(value)).encode()
    assert value.startswith(letter.value)


def _send(broker: Broker, poison: Poison) -> None:
    with producing(broker) as producer:
        producer.send(
            poison.topic,
            poison.value(),
            key=poison.key,
            partition=_partition(poison),
            headers=[("ce_type", poison.type)],
        ).get(30)


def _partition(poison: Poison) -> int | None:
    """Return the partition of the household whose next event must be decided."""
    return None if poison.key == b"h1" else 0


def _letters(log: Logs, count: int) -> list[Any]:
    until(
        lambda: len(log.letters.read()) >= count,
        lambda: f"{len(log.letters.records)} of {count} dead letters",
    )
    return log.letters.records
