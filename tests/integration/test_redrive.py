from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streams.kafka.topics import DEAD_LETTERS, INTENTS
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.records import DECISION, INTENT
from tests.commands import misfire
from tests.detector.builders import event
from tests.integration.kafka import Broker
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import Log, Worker, logs, prepare, producing


def redrive(broker: Broker, *arguments: str) -> dict[str, Any]:
    ended = misfire("redrive", "--broker", broker.bootstrap, "--json", "-", *arguments)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_dead_letter_is_redriven_to_its_topic_once_and_decided(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    mended, broken = event(1, event_id="mended"), b"{"
    prepare(embedded)
    with producing(embedded) as producer:
        for value, reason in ((INTENT.encode(mended), b"internal_error"), (broken, b"not_json")):
            headers = [("misfire_reason", reason), ("misfire_topic", INTENTS.encode())]
            producer.send(DEAD_LETTERS, value, key=b"h1", headers=headers)

    assert redrive(embedded, "--dry-run") == {
        "reasons": ["internal_error", "time_in_future"],
        "ready": {INTENTS: 1},
        "sent": 0,
        "left": {"another reason": 1},
    }
    assert not Log(embedded, INTENTS).read_to_end()
    assert redrive(embedded)["sent"] == 1
    assert redrive(embedded) | {"reasons": []} == {
        "reasons": [],
        "ready": {},
        "sent": 0,
        "left": {"another reason": 1, "redriven": 1},
    }
    with Worker(embedded, place, tmp_path / "log") as worker, logs(embedded) as log:
        worker.wait_ready()
        (record,) = log.decided(1)
        assert DECISION.decode(record.value).event_id == "mended"
