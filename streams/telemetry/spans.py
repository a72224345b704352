"""What a span of a trace is, whether or not OpenTelemetry records it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from streams.wire.traceparent import valid_trace

__all__ = ["Passing", "Span", "Tracer"]


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


class Passing:
    """Makes no spans: passes on what came, and begins a trace (which says that nobody records it) where nothing came."""

    @contextmanager
    def span(self, name: str, parent: bytes | None, *, asked: bool) -> Iterator[Span]:  # noqa: ARG002 - the protocol's
        """See ``Tracer.span``."""
        yield Span(
            valid_trace(parent) or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00".encode()
        )
