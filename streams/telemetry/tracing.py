"""Traces: the ``traceparent`` (W3C Trace Context) travels from the asker through Kafka to the worker and back with the reply.

Spans are made and sent only where a collector is named; ``streams.telemetry.otlp`` and OpenTelemetry are imported then and not before.
Without one the ``traceparent`` still travels, so that the lines that the parts log about one request can be told from others.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from streams.telemetry.spans import Passing, Tracer

__all__ = ["build_tracer"]

#: OpenTelemetry's own variables for the address of a collector.
_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def build_tracer(
    service: str, endpoint: str | None, environment: Mapping[str, str] | None = None
) -> Tracer:
    """Make the tracer of a process.

    Args:
        service: the name of the part, such as ``misfire-worker``.
        endpoint: the address of a collector of OTLP over HTTP; ``None`` takes the one that OpenTelemetry's variables name, if any.
        environment: the variables; ``None`` takes the process's.
    """
    variables = os.environ if environment is None else environment
    if endpoint is None and not any(variables.get(name) for name in _VARIABLES):
        return Passing()
    from streams.telemetry.otlp import Exporting  # noqa: PLC0415 - OpenTelemetry costs 0.1 s and memory to import

    return Exporting(service, endpoint)
