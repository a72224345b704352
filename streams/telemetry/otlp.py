"""OpenTelemetry spans, exported with OTLP over HTTP. Imported only if a collector is configured."""

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

__all__ = ["ExportingTracer"]

_PROPAGATOR = TraceContextTextMapPropagator()


class ExportingTracer:
    """Creates spans and exports them in batches from its own thread.

    Spans that the collector does not accept are dropped.

    Args:
        service: the service name.
        endpoint: the collector's base URL, without a path; ``None`` leaves the choice to
            OpenTelemetry's environment variables.
    """

    def __init__(self, service: str, endpoint: str | None) -> None:
        exporter = OTLPSpanExporter(endpoint and f"{endpoint.rstrip('/')}/v1/traces")
        # The provider flushes its spans when the process exits.
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("misfire")

    @contextmanager
    def span(self, name: str, parent: bytes | None, *, awaited: bool) -> Iterator[Span]:
        """See ``Tracer.span``."""
        trace = valid_trace(parent)
        context = _PROPAGATOR.extract({"traceparent": trace.decode("ascii")}) if trace else None
        kind = SpanKind.SERVER if awaited else SpanKind.CONSUMER
        # An exception's message can quote unreadable input: record only the exception's type.
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
