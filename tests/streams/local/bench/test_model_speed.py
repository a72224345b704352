from streams.local.bench.model_speed import bench_step
from tests.detector.builders import hand_bundle, send_message


def test_commands_and_other_events_are_timed_separately() -> None:
    found = bench_step([*send_message(), *send_message(first=10, session="s2")], hand_bundle())
    assert (found.events, found.commands) == (6, 2)
    timed = (found.plain, found.committing, found.judge, found.same, found.small)
    assert min(timed) > 0.0
    assert found.plain <= found.plain_p99
    assert found.times_faster_small > 0.0
