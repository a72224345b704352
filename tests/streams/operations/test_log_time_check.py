from __future__ import annotations

from collections.abc import Collection

import pytest

from streams.kafka.connection import EMBEDDED_CLUSTER, Brokers
from streams.kafka.topics import CREATE_TIME
from streams.operations import log_time_check as module
from streams.operations.log_time_check import log_time

APPEND_TIME = 1
BROKERS = Brokers("127.0.0.1:9092")


class _Client:
    def __init__(self, cluster: str | None) -> None:
        self._cluster = cluster

    def describe_cluster(self) -> dict[str, str | None]:
        return {"cluster_id": self._cluster}

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("types", "cluster", "ok", "said"),
    [
        ((), "kafka", True, "no record yet"),
        ((APPEND_TIME,), "kafka", True, "the broker timestamps every record"),
        ((APPEND_TIME, CREATE_TIME), "kafka", False, "set message.timestamp.type=LogAppendTime"),
        ((CREATE_TIME,), None, False, "set message.timestamp.type=LogAppendTime"),
        ((CREATE_TIME,), "tansu_cluster", False, "set message.timestamp.type=LogAppendTime"),
        (
            (CREATE_TIME,),
            EMBEDDED_CLUSTER,
            True,
            "note: producers choose the records' timestamps",
        ),
    ],
)
def test_a_producers_timestamp_is_a_fault_except_on_the_embedded_broker(
    types: Collection[int],
    cluster: str | None,
    ok: bool,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_timestamp_types", lambda _: set(types))
    monkeypatch.setattr(module, "admin", lambda _: _Client(cluster))

    found = log_time(BROKERS, producer_time=False)

    assert (found.part, found.ok) == ("log time", ok)
    assert said in found.text
