"""Spans by OpenTelemetry, sent by OTLP over HTTP. Imported only where a collector is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streams.telemetry.spans import Span
from streams.wire.traceparent import valid_trace

__all__ = ["Exporting"]

_PROPAGATOR = TraceContextTextMapPropagator()


class Exporting:
    """Makes spans and sends them, a batch at a time, from a thread of its own; what a collector does not take is given up.

    Args:
        service: the name of the part.
        endpoint: the collector's address, without a path; ``None`` leaves it to OpenTelemetry's variables.
    """

    def __init__(self, service: str, endpoint: str | None) -> None:
        exporter = OTLPSpanExporter(endpoint and f"{endpoint.rstrip('/')}/v1/traces")
        # Flushed when the process ends: the provider sees to that itself.
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("misfire")

    @contextmanager
    def span(self, name: str, parent: bytes | None, *, asked: bool) -> Iterator[Span]:
        """See ``Tracer.span``."""
        trace = valid_trace(parent)
        context = _PROPAGATOR.extract({"traceparent": trace.decode("ascii")}) if trace else None
        kind = SpanKind.SERVER if asked else SpanKind.CONSUMER
        # What an exception says may repeat what could not be read: only that there was one is told.
        with self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        ) as made:
            carrier: dict[str, str] = {}
            _PROPAGATOR.inject(carrier)
            span = Span(carrier["traceparent"].encode())
            try:
                yield span
            except Exception as error:
                made.set_status(StatusCode.ERROR, type(error).__name__)
                raise
            finally:
                made.set_attributes(
                    {f"misfire.{name}": value for name, value in span.facts.items()}
                )
