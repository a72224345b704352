from __future__ import annotations

from streams.gateway.exchange.worker_liveness import FRESH_SECONDS, WorkerLiveness


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_partition_is_missing_without_a_recent_answer() -> None:
    clock = Clock()
    liveness = WorkerLiveness(clock)
    liveness.follow([0, 1])
    assert liveness.missing() == [0, 1]

    liveness.record_answer(0)
    assert liveness.missing() == [1]

    clock.now += FRESH_SECONDS
    assert liveness.missing() == [0, 1]


def test_probes_of_a_partition_are_rate_limited() -> None:
    clock = Clock()
    liveness = WorkerLiveness(clock)
    liveness.follow([0, 1])
    liveness.record_answer(0)
    assert [partition for partition, _ in liveness.probes()] == [1]
    clock.now += 1.9
    assert liveness.probes() == []
    clock.now += 0.2
    assert [partition for partition, _ in liveness.probes()] == [1]
    clock.now += FRESH_SECONDS / 2
    assert [partition for partition, _ in liveness.probes()] == [0, 1]


def test_only_the_answer_to_the_latest_probe_counts() -> None:
    liveness = WorkerLiveness(Clock())
    liveness.follow([3])
    ((partition, correlation),) = liveness.probes()
    liveness.record_probe_answer(partition, "another")
    assert liveness.missing() == [3]
    liveness.record_probe_answer(partition, correlation)
    assert liveness.missing() == []


def test_answers_before_a_lost_connection_do_not_count() -> None:
    liveness = WorkerLiveness(Clock())
    liveness.follow([0])
    ((_, correlation),) = liveness.probes()
    liveness.record_answer(0)
    liveness.forget()
    liveness.record_probe_answer(0, correlation)
    assert liveness.missing() == [0]
    assert liveness.probes()


def test_an_answer_about_an_unknown_partition_is_ignored() -> None:
    liveness = WorkerLiveness(Clock())
    liveness.follow([0])
    liveness.record_answer(-1)
    liveness.record_answer(7)
    assert liveness.missing() == [0]


def test_partitions_of_a_deleted_topic_are_missing_and_not_probed() -> None:
    liveness = WorkerLiveness(Clock())
    liveness.follow([0, 1])
    liveness.record_answer(0)
    liveness.follow([])
    assert liveness.missing() == [0, 1]
    assert liveness.probes() == []
    liveness.follow([0, 1])
    assert liveness.missing() == [1]
