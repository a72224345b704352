"""``misfire bench hook|throughput|storm`` with a broker of one's own."""

from __future__ import annotations

from typing import NoReturn

import pytest

from streams.cli import bench_hook
from streams.errors import DependencyUnavailable
from streams.local.bench import load


def test_no_bundle_is_trained_for_a_broker_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(*_: object) -> NoReturn:
        raise DependencyUnavailable("no Kafka broker answers")

    monkeypatch.setattr(bench_hook, "reachable_brokers", silent)
    monkeypatch.setattr(load, "make_bundle", lambda _: pytest.fail("a bundle was trained"))

    with pytest.raises(DependencyUnavailable, match="no Kafka broker answers"):
        bench_hook.storm(broker="127.0.0.1:9", broker_pid=1)
