"""Follow one trace from the runtime's span through the gateway, Kafka and the worker and back, and
its log lines.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from streams.hook import Hook
from streams.kafka.topics import DECISIONS, REPLIES
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.records import DECISION, header
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.test_gateway import PATIENT_MS, gateway
from tests.integration.worker import Log, Worker, prepare, publish, until
from tests.streams.telemetry.test_tracing import collector

TOKEN, SAID = "k1_d0c70255", "call-my-doctor"


def test_a_trace_spans_the_runtime_the_gateway_and_the_worker(
    embedded: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place = bundle_on_disk(tmp_path)
    event = replace(a_town(households=1, sessions=1)[0], slots={"contact": TOKEN})
    prepare(embedded)
    with collector() as (address, spans):
        monkeypatch.setenv("MISFIRE_OTLP_ENDPOINT", address)
        with (
            Worker(embedded, place, tmp_path / "worker.log") as worker,
            gateway(embedded.bootstrap, place, tmp_path / "gateway.log") as url,
        ):
            worker.wait_ready()
            runtime = TracerProvider().get_tracer("runtime").start_as_current_span("command")
            with runtime as asking, Hook(url, deadline_ms=PATIENT_MS) as hook:
                decision = hook.decide(event)
                context = asking.get_span_context()
            publish(embedded, [replace(event, event_id="unreadable", slots={"contact": SAID})])
            decisions, replies = Log(embedded, DECISIONS), Log(embedded, REPLIES)
            until(lambda: decisions.read() and _decided(replies))
            # A process sends its last spans when it exits.
            worker.process.stop()

    by_service = dict(spans)
    answer, decide = by_service["misfire-gateway"], by_service["misfire-worker"]
    trace = f"{context.trace_id:032x}"
    assert {answer.trace_id.hex(), decide.trace_id.hex()} == {trace}
    assert answer.parent_span_id == context.span_id.to_bytes(8, "big")
    assert decide.parent_span_id == answer.span_id
    for record in (decisions.records[0], _decided(replies)[0]):
        found = header(record.headers, "traceparent")
        assert found is not None
        assert found[36:52].decode() == decide.span_id.hex()

    said = [
        line
        for name in ("worker.log", "gateway.log")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    about = [json.loads(line) for line in said if decision.decision_id in line]
    assert {(line["event"], line["trace_id"], line["bundle"]) for line in about} == {
        ("decided", trace, decision.bundle),
        ("answered", trace, decision.bundle),
    }
    # Each log line is one JSON event, and none contains spoken words.
    assert all(json.loads(line)["event"] for line in said)
    assert not [line for line in said if TOKEN in line or SAID in line]
    decisions.close()
    replies.close()


def _decided(replies: Log) -> list[Any]:
    """Return the replies that are decisions, without the answers to readiness probes."""
    kind = DECISION.type.encode()
    return [record for record in replies.read() if header(record.headers, "ce_type") == kind]
