"""Traces: the ``traceparent`` (W3C Trace Context) travels from the asker through Kafka to the worker and back with the reply.

Spans are made and sent only where a collector is named; ``streams.telemetry.otlp`` and OpenTelemetry are imported then and not before.
Without one the ``traceparent`` still travels, so that the lines that the parts log about one request can be told from others.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from detector.contracts.decisions import Decision

__all__ = ["Passing", "Span", "Tracer", "build_tracer", "current_trace", "facts", "trace_id", "valid_trace"]

#: Version 00; what a later version may add behind it is not passed on, because it could be anything.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
#: OpenTelemetry's own variables for the address of a collector.
_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(slots=True)
class Span:
    """One piece of work.

    Attributes:
        traceparent: what those who work on it further get as their parent.
        facts: what is known of it when it ends.
    """

    traceparent: bytes
    facts: dict[str, str] = field(default_factory=dict)


class Tracer(Protocol):
    """Makes spans."""

    def span(self, name: str, parent: bytes | None, *, asked: bool) -> AbstractContextManager[Span]:
        """Work on something.

        Args:
            name: what is done, the same for all that do it.
            parent: the ``traceparent`` of whoever asked; what is not one counts as ``None``.
            asked: whether somebody waits (a server's span), or it is taken from a topic (a consumer's).
        """


def build_tracer(service: str, endpoint: str | None, environment: Mapping[str, str] | None = None) -> Tracer:
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


def valid_trace(trace: bytes | None) -> bytes | None:
    """Return a ``traceparent``, or ``None`` where it is none."""
    return trace if trace and _TRACEPARENT.fullmatch(trace) else None


def current_trace() -> str | None:
    """The ``traceparent`` of the span that the caller works in, where it uses OpenTelemetry, which is not imported for this."""
    api = sys.modules.get("opentelemetry.trace")
    context = api.get_current_span().get_span_context() if api else None
    if context is None or not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def facts(decision: Decision) -> dict[str, str]:
    """Return what a line of the log and a span may say of a decision: ids and words, none of which somebody said."""
    return {
        "decision_id": decision.decision_id,
        "bundle": decision.bundle,
        "verdict": decision.verdict.value,
        "enforcement": decision.enforcement.value,
        "risk_class": decision.risk_class.value,
        "rung": decision.rung.value,
        "reason": decision.reasons[0].code if decision.reasons else "",
    }


def trace_id(trace: bytes) -> str:
    """The part of a ``traceparent`` that everything of one request has in common."""
    return trace[3:35].decode("ascii")


class Passing:
    """Makes no spans: passes on what came, and begins a trace (which says that nobody records it) where nothing came."""

    @contextmanager
    def span(self, name: str, parent: bytes | None, *, asked: bool) -> Iterator[Span]:  # noqa: ARG002 - the protocol's
        """See ``Tracer.span``."""
        yield Span(valid_trace(parent) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00".encode())
