from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from streams.kafka.topics import DEAD_LETTERS, INTENTS
from streams.wire.records import DECISION, INTENT
from tests.detector.builders import event
from tests.integration.kafka import Broker
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import Log, Worker, logs, prepare, producing


def redrive(broker: Broker, *arguments: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "streams.cli",
        "redrive",
        "--broker",
        broker.bootstrap,
        "--json",
        "-",
    ]
    ended = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=90, check=False
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_letter_goes_to_its_topic_once_and_is_decided(broker: Broker, tmp_path: Path) -> None:
    _, place = bundle_on_disk(tmp_path)
    mended, broken = event(1, event_id="mended"), b"{"
    prepare(broker)
    with producing(broker) as producer:
        for value, reason in ((INTENT.encode(mended), b"internal_error"), (broken, b"not_json")):
            headers = [("misfire_reason", reason), ("misfire_topic", INTENTS.encode())]
            producer.send(DEAD_LETTERS, value, key=b"h1", headers=headers)

    assert redrive(broker, "--dry-run") == {
        "reasons": ["internal_error", "time_in_future"],
        "ready": {INTENTS: 1},
        "sent": 0,
        "left": {"another reason": 1},
    }
    assert not Log(broker, INTENTS).read_to_end()
    assert redrive(broker)["sent"] == 1
    assert redrive(broker) | {"reasons": []} == {
        "reasons": [],
        "ready": {},
        "sent": 0,
        "left": {"another reason": 1, "redriven": 1},
    }
    with Worker(broker, place, tmp_path / "log") as worker, logs(broker) as log:
        worker.wait_ready()
        (record,) = log.decided(1)
        assert DECISION.decode(record.value).event_id == "mended"
