"""The W3C ``traceparent`` header: its form, and the one of the caller's own span."""

from __future__ import annotations

import re
import sys

__all__ = ["current_trace", "trace_id", "valid_trace"]


#: Version 00; what a later version may add behind it is not passed on, because it could be anything.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


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


def trace_id(trace: bytes) -> str:
    """The part of a ``traceparent`` that everything of one request has in common."""
    return trace[3:35].decode("ascii")
