"""The interface of a tracer, and a tracer that needs no OpenTelemetry."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from streams.wire.traceparent import valid_trace

__all__ = ["ForwardingTracer", "Span", "Tracer"]


@dataclass(slots=True)
class Span:
    """One unit of work in a trace.

    Attributes:
        traceparent: the parent for work that follows from this span.
        facts: attributes to record when the span ends.
    """

    traceparent: bytes
    facts: dict[str, str] = field(default_factory=dict)


class Tracer(Protocol):
    """Creates spans."""

    def span(
        self, name: str, parent: bytes | None, *, awaited: bool
    ) -> AbstractContextManager[Span]:
        """Open a span for the body of a ``with`` statement.

        Args:
            name: the kind of work, the same for all spans of that kind.
            parent: the caller's ``traceparent``; an invalid one counts as ``None``.
            awaited: whether a client waits for the result (a server span) or the work comes from a
                topic (a consumer span).
        """


class ForwardingTracer:
    """Records no spans: forwards the caller's ``traceparent``, or starts an unsampled trace."""

    @contextmanager
    def span(self, name: str, parent: bytes | None, *, awaited: bool) -> Iterator[Span]:  # noqa: ARG002 - the protocol's
        """See ``Tracer.span``."""
        yield Span(
            valid_trace(parent) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00".encode()
        )
