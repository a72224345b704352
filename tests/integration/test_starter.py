"""Worker, gateway and doctor use the packaged starter bundle if no other is named."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from detector.contracts.decisions import Rung, Verdict
from streams.files.starter import starter_bundle
from streams.hook import Hook
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from tests.detector.builders import event
from tests.integration.forked import Forked, start_misfire
from tests.integration.stream import lately
from tests.integration.test_gateway import PATIENT_MS, status
from tests.integration.worker import FETCH_MAX_WAIT, PARTITIONS, PATIENCE, prepare, until


def start(folder: Path, *arguments: str, broker: EmbeddedBroker) -> Forked:
    """Start ``misfire ARGUMENTS`` in a folder without a bundle."""
    settings = {
        **FETCH_MAX_WAIT,
        "MISFIRE_BROKER": broker.bootstrap,
        "MISFIRE_PARTITIONS": str(PARTITIONS),
        "MISFIRE_PRODUCER_TIME": "true",
        "MISFIRE_SESSION_TIMEOUT": "3",
    }
    log = folder / f"{arguments[0]}.log"
    return start_misfire(*arguments, log=log, environment=os.environ | settings, folder=folder)


def test_the_starter_bundle_decides_where_no_other_is_named(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    prepare(embedded)
    version = starter_bundle().version
    ports = {"worker": free_port(), "gateway": free_port()}
    urls = {part: f"http://127.0.0.1:{port}" for part, port in ports.items()}
    with ExitStack() as stack:
        for part, port in ports.items():
            stack.callback(start(tmp_path, part, "--port", str(port), broker=embedded).stop)
        for part, url in urls.items():
            until(partial(is_ready, url), (tmp_path / f"{part}.log").read_text)
        (unlock,) = lately([event(intent="lock.HassTurnOff", commits=True, wake_confidence=0.1)])
        with Hook(urls["gateway"], deadline_ms=PATIENT_MS) as hook:
            decision = hook.decide(unlock)
        assert (decision.rung, decision.bundle) == (Rung.WORKER, version)
        assert decision.verdict is not Verdict.ALLOW

        settings = tmp_path / "misfire.toml"
        settings.write_text("".join(f"{part}_port = {port}\n" for part, port in ports.items()))
        start(tmp_path, "doctor", "--json", "doctor.json", broker=embedded).wait(PATIENCE)
    found = json.loads((tmp_path / "doctor.json").read_text())["findings"]
    findings = {each["part"]: each for each in found}
    assert findings["bundle"]["ok"]
    assert findings["bundle"]["text"] == f"version {version} (the packaged starter bundle)"
    assert findings["calibration"]["ok"]
    assert findings["agreement"]["text"] == f"every process uses bundle {version}"


def is_ready(url: str) -> bool:
    return status(url, "/readyz") == 200
