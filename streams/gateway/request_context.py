"""The context of a request: its deadline, trace, tenant and callback."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RequestContext"]

#: Time reserved for sending the answer back: a share of the deadline, with a minimum and a maximum
#: in seconds. On a busy machine sending took up to 20 ms, and a client waits no longer than its
#: deadline.
_MARGIN_SHARE, _LEAST_MARGIN, _MOST_MARGIN = 0.2, 0.004, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """The context of a request, besides its event.

    Attributes:
        seconds: seconds left until the client's deadline.
        trace: the client's ``traceparent``.
        callback: the URL for late answers.
        tenant: the tenant of the verified token; empty if no token is required.
    """

    seconds: float
    trace: bytes | None = None
    callback: str | None = None
    tenant: str = ""

    @property
    def wait(self) -> float:
        """Seconds to wait for a worker: the time left, without the time for the way back."""
        return self.seconds - max(min(self.seconds * _MARGIN_SHARE, _MOST_MARGIN), _LEAST_MARGIN)
