from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from streams.telemetry.spans import ForwardingTracer
from streams.telemetry.tracing import build_tracer
from streams.wire.traceparent import trace_id, valid_trace

CALLER = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Run an OTLP collector over HTTP; yield its address and the spans that it received."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                (service,) = (
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.name"
                )
                spans.extend(
                    (service, span) for scope in resource.scope_spans for span in scope.spans
                )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "trace",
    [
        None,
        b"",
        b"call my doctor",
        CALLER[:-1],
        CALLER + b"0",
        CALLER.upper(),
        b"ff" + CALLER[2:],
        b"00-" + b"0" * 32 + CALLER[35:],
        CALLER[:36] + b"0" * 16 + CALLER[52:],
        CALLER + b"-call-my-doctor",
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(trace: bytes | None) -> None:
    assert valid_trace(trace) is None
    with ForwardingTracer().span("decide", trace, awaited=True) as span:
        assert valid_trace(span.traceparent)
        assert span.traceparent.endswith(b"-00")  # not sampled


def test_without_a_collector_the_traceparent_is_forwarded() -> None:
    with build_tracer("misfire-worker", None, {}).span("decide", CALLER, awaited=False) as span:
        assert span.traceparent == CALLER


@pytest.mark.slow
def test_without_a_collector_opentelemetry_sdk_is_not_imported() -> None:
    code = (
        "import sys; from streams.telemetry.tracing import build_tracer; "
        "import streams.worker.agents, streams.gateway.routes; "
        "build_tracer('misfire-worker', None, {}); "
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.strip() == "[]"


def test_spans_are_sent_with_their_parent_and_facts() -> None:
    with collector() as (address, spans):
        gateway, worker = (
            build_tracer("misfire-gateway", address),
            build_tracer("misfire-worker", address),
        )
        with (
            gateway.span("answer", CALLER, awaited=True) as outer,
            worker.span("decide", outer.traceparent, awaited=False) as inner,
        ):
            inner.facts["decision_id"] = "d1"
        for tracer in (gateway, worker):
            tracer._provider.shutdown()  # type: ignore[attr-defined]

    (_, decide), (_, answer) = sorted(spans, key=lambda span: span[0], reverse=True)
    assert [service for service, _ in sorted(spans, key=lambda span: span[0])] == [
        "misfire-gateway",
        "misfire-worker",
    ]
    assert {span.trace_id.hex() for _, span in spans} == {trace_id(CALLER)}
    assert answer.parent_span_id.hex().encode() == CALLER[36:52]
    assert decide.parent_span_id == answer.span_id
    assert [(a.key, a.value.string_value) for a in decide.attributes] == [
        ("misfire.decision_id", "d1")
    ]


def test_opentelemetry_environment_variables_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (address, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        tracer = build_tracer("misfire-worker", None)
        with tracer.span("decide", None, awaited=False):
            pass
        tracer._provider.shutdown()  # type: ignore[attr-defined]

    assert len(spans) == 1


def test_exception_messages_are_not_exported() -> None:
    with collector() as (address, spans):
        tracer = build_tracer("misfire-worker", address)
        with pytest.raises(ValueError, match="doctor"), tracer.span("decide", None, awaited=False):
            raise ValueError("call my doctor")
        tracer._provider.shutdown()  # type: ignore[attr-defined]

    ((_, span),) = spans
    assert span.status.message == "ValueError"
    assert not span.events
