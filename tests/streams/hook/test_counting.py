from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry

from detector.contracts.events import Act
from streams.hook import Hook
from streams.hook.counting import CountCalls
from tests.detector.builders import event


def test_calls_are_counted_only_in_the_hosts_registry() -> None:
    registry = CollectorRegistry()
    with Hook("http://127.0.0.1:9", deadline_ms=10_000, observers=[CountCalls(registry)]) as hook:
        for number in range(2):
            hook.decide(event(number, commits=True, act=Act.INITIATE))

    labels = {
        "method": "decide",
        "result": "confirm",
        "rung": "policy",
        "reason": "gateway_unreachable",
    }
    assert registry.get_sample_value("misfire_client_calls_total", labels) == 2.0
    assert (
        registry.get_sample_value("misfire_client_call_seconds_count", {"method": "decide"}) == 2.0
    )
    assert REGISTRY.get_sample_value("misfire_client_calls_total", labels) is None
