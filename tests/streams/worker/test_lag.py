from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.telemetry import metrics
from streams.worker.lag import Lag

TOPIC = "assistant.lagging"


def lag() -> dict[str, float]:
    samples = (sample for family in metrics.LAG.collect() for sample in family.samples)
    return {s.labels["partition"]: s.value for s in samples if s.labels["topic"] == TOPIC}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    Lag().report({})
    for partition in list(lag()):
        metrics.LAG.remove(TOPIC, partition)


def test_lag_is_counted_from_the_last_processed_record() -> None:
    behind = Lag()
    behind.report({(TOPIC, 0): (10, 15), (TOPIC, 1): (0, 0)})
    assert lag() == {"0": 5, "1": 0}

    behind.worked_on(TOPIC, 0, 13, timestamp=1_700_000_000.0)
    behind.report({(TOPIC, 0): (10, 15), (TOPIC, 1): (0, 3)})

    assert lag() == {"0": 1, "1": 3}
    assert metrics.WATERMARK_SECONDS.labels(TOPIC, "0")._value.get() == 1_700_000_000.0


def test_a_revoked_partition_is_no_longer_reported() -> None:
    behind = Lag()
    behind.report({(TOPIC, 0): (0, 5), (TOPIC, 1): (0, 5)})
    behind.report({(TOPIC, 1): (0, 5)})

    assert lag() == {"1": 5}


def test_a_returned_partition_starts_at_its_committed_offset() -> None:
    behind = Lag()
    behind.worked_on(TOPIC, 0, 3, timestamp=1.0)
    behind.report({})
    behind.report({(TOPIC, 0): (90, 100)})

    assert lag() == {"0": 10}


def test_an_outdated_end_offset_is_no_lag() -> None:
    behind = Lag()
    behind.worked_on(TOPIC, 0, 20, timestamp=1.0)
    behind.report({(TOPIC, 0): (0, 15)})

    assert lag() == {"0": 0}
