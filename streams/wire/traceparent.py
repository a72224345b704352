"""Validation of the W3C ``traceparent`` header, and the header of the caller's own span."""

from __future__ import annotations

import re
import sys

__all__ = ["current_trace", "trace_id", "valid_trace"]

#: The fields of version 00. Additions of later versions are not passed on, as they may be anything.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


def valid_trace(trace: bytes | None) -> bytes | None:
    """Return a ``traceparent`` if it is valid, otherwise ``None``."""
    return trace if trace and _TRACEPARENT.fullmatch(trace) else None


def current_trace() -> str | None:
    """Return the ``traceparent`` of the caller's current span.

    Return ``None`` if the caller does not use OpenTelemetry; it is not imported for this.
    """
    api = sys.modules.get("opentelemetry.trace")
    context = api.get_current_span().get_span_context() if api else None
    if context is None or not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id(trace: bytes) -> str:
    """Return the trace id of a ``traceparent``, which all spans of a request share."""
    return trace[3:35].decode("ascii")
