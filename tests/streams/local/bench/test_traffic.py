from __future__ import annotations

from streams.local.bench.traffic import KINDS, bench_traffic, record_bytes
from tests.detector.builders import hand_bundle


def test_a_record_is_its_key_value_and_headers() -> None:
    assert record_bytes(b"12345", [("name", b"value")], key=False) == 5 + 4 + 5
    assert record_bytes(b"", []) == 35


def test_the_traffic_of_simulated_households_is_counted() -> None:
    for kind in KINDS:
        found = bench_traffic(kind, hand_bundle(), households=2, days=3)
        assert found.events_a_day["p50"] <= found.events_a_day["p99"]
        assert 0 < found.commands_a_day <= found.events_a_day["mean"]
        assert found.busiest_hour["p50"] <= found.busiest_hour["most"]
        assert 1 / 24 <= found.peak_share <= 1
        assert 0 < found.sizes.outcome < found.sizes.intent < found.sizes.state
