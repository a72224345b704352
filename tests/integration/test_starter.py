"""Worker, gateway and doctor use the packaged starter bundle if no other is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from detector.contracts.decisions import Rung, Verdict
from streams.files.starter import starter_bundle
from streams.hook import Hook
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from tests.detector.builders import event
from tests.integration.stream import lately
from tests.integration.test_gateway import PATIENT_MS, status
from tests.integration.worker import PARTITIONS, prepare, until


@contextmanager
def misfire(folder: Path, *arguments: str, broker: EmbeddedBroker) -> Iterator[Path]:
    """Run ``misfire ARGUMENTS`` in a folder without a bundle; yield its log."""
    settings = {
        "MISFIRE_BROKER": broker.bootstrap,
        "MISFIRE_PARTITIONS": str(PARTITIONS),
        "MISFIRE_PRODUCER_TIME": "true",
        "MISFIRE_FETCH_MAX_WAIT": "0.01",
        "MISFIRE_SESSION_TIMEOUT": "3",
    }
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *arguments],
            cwd=folder,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)


def test_the_starter_bundle_decides_where_no_other_is_named(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    prepare(embedded)
    version = starter_bundle().version
    worker, gateway = free_port(), free_port()
    with ExitStack() as stack:
        for part, port in (("worker", worker), ("gateway", gateway)):
            started = misfire(tmp_path, part, "--port", str(port), broker=embedded)
            log = stack.enter_context(started)
            url = f"http://127.0.0.1:{port}"
            until(lambda url=url: status(url, "/readyz") == 200, log.read_text)
        (unlock,) = lately([event(intent="lock.HassTurnOff", commits=True, wake_confidence=0.1)])
        with Hook(f"http://127.0.0.1:{gateway}", deadline_ms=PATIENT_MS) as hook:
            decision = hook.decide(unlock)
        assert (decision.rung, decision.bundle) == (Rung.WORKER, version)
        assert decision.verdict is not Verdict.ALLOW

        ports = ("--config", str(_ports(tmp_path, worker, gateway)), "--json", "doctor.json")
        with misfire(tmp_path, "doctor", *ports, broker=embedded):
            until((tmp_path / "doctor.json").exists)
    findings = {
        each["part"]: each
        for each in json.loads((tmp_path / "doctor.json").read_text())["findings"]
    }
    assert findings["bundle"]["ok"]
    assert findings["bundle"]["text"] == f"version {version} (the packaged starter bundle)"
    assert findings["agreement"]["text"] == f"every process uses bundle {version}"


def _ports(folder: Path, worker: int, gateway: int) -> Path:
    file = folder / "ports.toml"
    file.write_text(f"worker_port = {worker}\ngateway_port = {gateway}\n")
    return file
