from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from detector.state import HouseholdState
from streams.bundles import write_bundle
from streams.records import DECISION
from streams.topics import DECISIONS, HOUSEHOLDS, INTENTS
from tests.detector.builders import hand_bundle, hand_judge
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Worker, logs, prepare, producing, publish, pure, until

pytestmark = pytest.mark.timeout(240)


def misfire(broker: Broker, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run ``misfire household …`` and return its JSON."""
    command = [sys.executable, "-m", "streams.cli", "household", *map(str, arguments), "--json", "-"]
    if arguments[0] != "verify":
        command += ["--broker", broker.bootstrap]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == code, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_a_household_is_shown_exported_and_erased(broker: Broker, tmp_path: Path) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    key, archive, identity = pyrage.x25519.Identity.generate(), tmp_path / "a.age", tmp_path / "key.txt"
    identity.write_text(f"# a comment of age-keygen's\n{key}\n")
    events = a_town(households=3, sessions=6)
    asked, other = "home1", "home2"
    ours = [event for event in events if event.household_id == asked]
    prepare(broker)
    with logs(broker) as log:
        with Worker(broker, place, tmp_path / "log") as worker:
            worker.wait_ready()
            publish(broker, events)
            log.applied(len(events))

            counts = {source["source"]: source for source in misfire(broker, "show", asked)["sources"]}
            assert counts[INTENTS]["records"] == counts[DECISIONS]["records"] == len(ours)
            assert (counts[HOUSEHOLDS]["records"], counts[INTENTS]["read"]) == (1, len(events))

            misfire(broker, "export", asked, "--to", str(key.to_public()), "--out", archive)
            opened = misfire(broker, "verify", archive, "--identity", identity)
            assert opened == {"household_id": asked, "records": 2 * len(ours) + 1, "problems": []}
            assert b"home2" not in pyrage.decrypt(archive.read_bytes(), [key])

            # Somebody else's decision gets under the household's key.
            stray = next(iter(pure([e for e in events if e.household_id == other], bundle).values()))
            with producing(broker) as producer:
                at = producer.send(DECISIONS, stray, key=asked.encode()).get(30)
            refused = misfire(
                broker, "export", asked, "--to", str(key.to_public()), "--out", tmp_path / "no", code=1
            )
            assert refused["foreign"] == [f"{DECISIONS}, partition {at.partition}, offset {at.offset}"]
            assert not (tmp_path / "no").exists()
            until(lambda: worker.metric("misfire_exports_refused_total") == 1)
            worker.kill()

        # While no worker runs, and the next one has another bundle: an event in flight, the erasure, and all that the runtime sends again.
        publish(broker, [replace(ours[-1], event_id="in-flight")])
        erased = misfire(broker, "erase", asked, "--wait", "0", code=1)
        assert not erased["applied"]
        publish(broker, ours)
        swapped = hand_bundle(judge=hand_judge("intent_count", edges=(0.0, 0.5), bits=(1.0, -6.0, -6.0)))
        assert swapped.version != bundle.version
        write_bundle(swapped, tmp_path / "swapped")
        with Worker(broker, tmp_path / "swapped", tmp_path / "log2") as worker:
            worker.wait_ready()
            until(lambda: worker.metric("misfire_after_erasure_total", topic=INTENTS) == len(ours))
            until(lambda: log.states()[asked].erased is not None)
            until(lambda: log.states()[asked].intents > int(erased["command"].rpartition(" ")[2]))
            assert log.states()[asked].state == HouseholdState.new(asked)
            assert log.states()[other].state.events == sum(e.household_id == other for e in events)
            decided = [DECISION.decode(record.value) for record in log.decisions.read_to_end()]
            assert sum(d.household_id == asked and d.event_id != "in-flight" for d in decided) == len(ours)
            assert {d.bundle for d in decided if d.event_id == "in-flight"} == {swapped.version}

            checked = misfire(broker, "verify-erased", asked, code=1)
            assert checked["state_erased"]
            assert {left["source"] for left in checked["remains"]} >= {INTENTS, DECISIONS}
            assert misfire(broker, "erase", other)["applied"]
