"""Arbitrary headers and keys of a client must not stop the worker, on any broker."""

from __future__ import annotations

from pathlib import Path

from detector.contracts.events import OutcomeKind
from streams.kafka.topics import INTENTS, OUTCOMES
from streams.wire.records import CORRELATION_ID, INTENT, OUTCOME, REPLY_PARTITION, Headers
from tests.detector.builders import event, outcome
from tests.integration.kafka import ApacheKafka
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import PARTITIONS, Worker, logs, prepare, producing, until

UNANSWERABLE: list[Headers] = [
    [(REPLY_PARTITION, str(PARTITIONS).encode()), (CORRELATION_ID, b"c")],
    [(REPLY_PARTITION, b"9" * 10_000), (CORRELATION_ID, b"c")],
    [(REPLY_PARTITION, b"-1"), (CORRELATION_ID, b"c")],
    [(REPLY_PARTITION, b"1"), (CORRELATION_ID, b"c" * 900_000)],
    [("traceparent", b"t" * 900_000)],
]


def test_a_client_that_cannot_be_answered_does_not_stop_the_worker(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(apache_kafka)
    with Worker(apache_kafka, place, tmp_path / "log") as worker, logs(apache_kafka) as log:
        worker.wait_ready()
        done = outcome("e0", OutcomeKind.EXECUTED)
        with producing(apache_kafka) as producer:
            for number, headers in enumerate(UNANSWERABLE):
                value = INTENT.encode(event(number))
                producer.send(INTENTS, value, key=b"h1", headers=list(headers))
                producer.send(OUTCOMES, OUTCOME.encode(done), key=b"h1", headers=list(headers))
            producer.send(INTENTS, b"x", key=b"k" * 900_000)
            producer.send(INTENTS, INTENT.encode(event(99)), key=b"h1")

        log.decided(len(UNANSWERABLE) + 1)
        until(lambda: len(log.letters.read()) == 1)
        assert log.letters.records[0].key is None
        assert worker.ready()
        assert worker.process.poll() is None
