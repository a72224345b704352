from __future__ import annotations

from streams.gateway.exchange.pulse import FRESH_SECONDS, Pulse


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_partition_is_missing_until_its_worker_answers_and_again_when_it_falls_silent() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    pulse.follow([0, 1])
    assert pulse.missing() == [0, 1]

    pulse.heard(0)
    assert pulse.missing() == [1]

    clock.now += FRESH_SECONDS
    assert pulse.missing() == [0, 1]


def test_each_partition_is_probed_at_most_every_other_second_and_not_while_its_answers_are_new() -> (
    None
):
    clock = Clock()
    pulse = Pulse(clock)
    pulse.follow([0, 1])
    pulse.heard(0)
    assert [partition for partition, _ in pulse.probes()] == [1]
    clock.now += 1.9
    assert pulse.probes() == []
    clock.now += 0.2
    assert [partition for partition, _ in pulse.probes()] == [1]
    clock.now += FRESH_SECONDS / 2
    assert [partition for partition, _ in pulse.probes()] == [0, 1]


def test_only_the_answer_to_the_latest_probe_counts() -> None:
    pulse = Pulse(Clock())
    pulse.follow([3])
    ((partition, correlation),) = pulse.probes()
    pulse.answered(partition, "another")
    assert pulse.missing() == [3]
    pulse.answered(partition, correlation)
    assert pulse.missing() == []


def test_what_was_heard_before_the_connection_was_lost_says_nothing() -> None:
    pulse = Pulse(Clock())
    pulse.follow([0])
    ((_, correlation),) = pulse.probes()
    pulse.heard(0)
    pulse.forget()
    pulse.answered(0, correlation)
    assert pulse.missing() == [0]
    assert pulse.probes()


def test_an_answer_about_no_partition_of_ours_is_nothing() -> None:
    pulse = Pulse(Clock())
    pulse.follow([0])
    pulse.heard(-1)
    pulse.heard(7)
    assert pulse.missing() == [0]


def test_where_the_topic_is_gone_its_partitions_are_missing_and_nothing_is_probed() -> None:
    pulse = Pulse(Clock())
    pulse.follow([0, 1])
    pulse.heard(0)
    pulse.follow([])
    assert pulse.missing() == [0, 1]
    assert pulse.probes() == []
    pulse.follow([0, 1])
    assert pulse.missing() == [1]
