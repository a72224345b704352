"""Tracing: the ``traceparent`` (W3C Trace Context) travels from client to worker and back.

Spans are created and exported only if a collector is configured; only then are
``streams.telemetry.otlp`` and OpenTelemetry imported. Without a collector the ``traceparent``
still travels, so the log lines of all processes about one request share a trace id.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from streams.telemetry.spans import ForwardingTracer, Tracer

__all__ = ["build_tracer"]

#: OpenTelemetry's environment variables for the address of a collector.
_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def build_tracer(
    service: str, endpoint: str | None, environment: Mapping[str, str] | None = None
) -> Tracer:
    """Build the tracer of a process.

    Args:
        service: the service name, such as ``misfire-worker``.
        endpoint: the address of an OTLP collector over HTTP; ``None`` uses the address in
            OpenTelemetry's environment variables, if there is one.
        environment: the environment variables; ``None`` uses those of the process.
    """
    variables = os.environ if environment is None else environment
    if endpoint is None and not any(variables.get(name) for name in _VARIABLES):
        return ForwardingTracer()
    # Importing OpenTelemetry takes 0.1 s and memory.
    from streams.telemetry.otlp import ExportingTracer  # noqa: PLC0415

    return ExportingTracer(service, endpoint)
