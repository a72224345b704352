from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from streams.gateway.exchange.worker_liveness import FRESH_SECONDS
from streams.local.embedded_broker import EmbeddedBroker
from tests import loopback
from tests.integration.stream import bundle_on_disk
from tests.integration.test_gateway import gateway, status
from tests.integration.worker import Worker, logs, prepare, until

pytestmark = pytest.mark.timeout(240)


def missing(url: str) -> list[str]:
    found: list[str] = loopback.get(f"{url}/readyz").json()["missing"]
    return found


def test_a_gateway_is_ready_only_while_workers_answer_it(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    """Check readiness without traffic, after a worker died, and after a pause of the broker."""
    _, place = bundle_on_disk(tmp_path)
    prepare(embedded)
    with gateway(embedded.bootstrap, place, tmp_path / "gw") as url, logs(embedded) as log:
        assert missing(url) == ["workers for partitions 0, 1, 2, 3"]

        with Worker(embedded, place, tmp_path / "log") as worker:
            worker.wait_ready()
            until(lambda: status(url, "/readyz") == 200)
            worker.kill()
            killed = time.monotonic()
            until(lambda: status(url, "/readyz") == 503)
            assert time.monotonic() - killed < FRESH_SECONDS + 10
            assert missing(url) == ["workers for partitions 0, 1, 2, 3"]

        with Worker(embedded, place, tmp_path / "log2") as worker:
            worker.wait_ready()
            until(lambda: status(url, "/readyz") == 200)
            assert embedded.process is not None
            os.killpg(embedded.process.pid, signal.SIGSTOP)
            try:
                until(lambda: missing(url) == ["kafka"])
            finally:
                # Earlier answers do not count after the broker returns.
                worker.kill()
                os.killpg(embedded.process.pid, signal.SIGCONT)
            until(lambda: missing(url) == ["workers for partitions 0, 1, 2, 3"])

        assert not log.decisions.read_to_end()
        assert not log.letters.read_to_end()
        assert not log.states()
