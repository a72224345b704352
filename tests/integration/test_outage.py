from __future__ import annotations

from pathlib import Path

from streams.local.embedded_broker import EmbeddedBroker
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import Worker, prepare, until


def test_a_worker_without_a_broker_is_not_ready(tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    with EmbeddedBroker() as broker:
        prepare(broker)
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            assert broker.process is not None
            broker.process.kill()

            until(lambda: not worker.ready())

            assert worker.metric("misfire_ready") == 0
