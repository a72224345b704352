"""Prometheus metrics of a hook's calls. The only module of the client that imports a registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from streams.hook.calls import Call

__all__ = ["CountCalls"]

#: Seconds. The default deadline is 0.15; a confirmation takes up to 4.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0, 2.0, 4.0)


class CountCalls:
    """An observer that counts calls: ``Hook(url, observers=[CountCalls(registry)])``.

    ``misfire_client_calls_total`` has the labels ``method``, ``result``, ``rung`` and ``reason``
    of ``Call``; ``misfire_client_call_seconds`` has ``method``. Hooks can share one observer.

    Args:
        registry: the host's metrics registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "result", "rung", "reason")
        self._calls = Counter(
            "misfire_client_calls_total", "Calls of misfire's hook.", labels, registry=registry
        )
        self._seconds = Histogram(
            "misfire_client_call_seconds",
            "Seconds that calls of misfire's hook took.",
            ("method",),
            buckets=_BUCKETS,
            registry=registry,
        )

    def __call__(self, call: Call) -> None:
        """Count one call."""
        self._calls.labels(call.method, call.result, call.rung, call.reason).inc()
        self._seconds.labels(call.method).observe(call.seconds)
