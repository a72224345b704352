from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pyrage
import pytest

from detector.contracts.events import IntentEvent
from detector.household.state import HouseholdState
from streams.files.bundles import write_bundle
from streams.kafka.topics import DECISIONS, HOUSEHOLDS, INTENTS
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.privacy.archive import open_archive
from streams.wire.records import DECISION, FIRST_LOGGED, INTENT
from streams.wire.state.packing import pack
from tests import commands, loopback
from tests.detector.builders import hand_bundle, hand_judge
from tests.integration.forked import start_misfire
from tests.integration.kafka import Broker
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Logs, Worker, logs, prepare, producing, publish, pure, until

pytestmark = pytest.mark.timeout(240)


def misfire(broker: Broker, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """Run ``misfire household …``; return its JSON."""
    at = () if arguments[0] == "verify" else ("--broker", broker.bootstrap)
    ended = commands.misfire("household", *arguments, *at, "--json", "-")
    assert ended.returncode == code, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def what_is_foreign_is_left_out_or_refuses_all(
    broker: Broker, log: Logs, asked: str, stray: bytes, folder: Path
) -> None:
    """Leave out another household's decision under the household's key; refuse the export if it is
    in the state.
    """
    key = pyrage.x25519.Identity.generate()
    to = ("--to", str(key.to_public()), "--out")
    with producing(broker) as producer:
        at = producer.send(DECISIONS, stray, key=asked.encode()).get(30)
    whole = misfire(broker, "export", asked, *to, folder / "whole")
    left_out = f"{DECISIONS}, partition {at.partition}, offset {at.offset}"
    assert [source["disputed"] for source in whole["sources"] if source["disputed"]] == [[left_out]]
    assert DECISION.decode(stray).household_id.encode() not in pyrage.decrypt(
        (folder / "whole").read_bytes(), [key]
    )

    stored = log.states()[asked]
    mixed = replace(stored.state, recent=(*stored.state.recent[1:], DECISION.decode(stray)))
    with producing(broker) as producer:
        at = producer.send(HOUSEHOLDS, pack(replace(stored, state=mixed)), key=asked.encode()).get(
            30
        )
    refused = misfire(broker, "export", asked, *to, folder / "no", code=1)
    assert refused["foreign"] == [f"{HOUSEHOLDS}, partition {at.partition}, offset {at.offset}"]
    assert not (folder / "no").exists()


def send_again(broker: Broker, events: Sequence[IntentEvent]) -> None:
    """Resend events like a gateway, with the time at which it first accepted them."""
    with producing(broker) as producer:
        for event in events:
            headers = INTENT.headers(event.event_id, event.time, source="test")
            headers.append((FIRST_LOGGED, b"%.3f" % event.seconds))
            key = event.household_id.encode()
            producer.send(INTENTS, INTENT.encode(event), key=key, headers=headers)


def test_a_household_is_shown_exported_and_erased(broker: Broker, tmp_path: Path) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    key, archive, identity = (
        pyrage.x25519.Identity.generate(),
        tmp_path / "a.age",
        tmp_path / "key.txt",
    )
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

            counts = {
                source["source"]: source for source in misfire(broker, "show", asked)["sources"]
            }
            assert counts[INTENTS]["records"] == counts[DECISIONS]["records"] == len(ours)
            assert (counts[HOUSEHOLDS]["records"], counts[INTENTS]["read"]) == (1, len(events))

            misfire(broker, "export", asked, "--to", str(key.to_public()), "--out", archive)
            opened = misfire(broker, "verify", archive, "--identity", identity)
            assert opened == {"household_id": asked, "records": 2 * len(ours) + 1, "problems": []}
            assert b"home2" not in pyrage.decrypt(archive.read_bytes(), [key])

            stray = next(
                iter(pure([e for e in events if e.household_id == other], bundle).values())
            )
            what_is_foreign_is_left_out_or_refuses_all(broker, log, asked, stray, tmp_path)
            until(lambda: worker.metric("misfire_exports_refused_total") == 1)
            worker.kill()

        # No worker runs, and the next one has another bundle. It finds an event in flight, the
        # erasure, and all earlier records.
        publish(broker, [replace(ours[-1], event_id="in-flight")])
        erased = misfire(broker, "erase", asked, "--wait", "0", code=1)
        assert not erased["applied"]
        send_again(broker, ours)
        swapped = hand_bundle(
            judge=hand_judge("intent_count", edges=(0.0, 0.5), bits=(1.0, -6.0, -6.0))
        )
        assert swapped.version != bundle.version
        write_bundle(swapped, tmp_path / "swapped")
        with Worker(broker, tmp_path / "swapped", tmp_path / "log2") as worker:
            worker.wait_ready()
            until(lambda: worker.metric("misfire_after_erasure_total", topic=INTENTS) == len(ours))
            until(lambda: log.states()[asked].erased is not None)
            until(
                lambda: (
                    log.states()[asked].intents[-1].offset
                    > int(erased["command"].rpartition(" ")[2])
                )
            )
            assert log.states()[asked].state == HouseholdState.new(asked)
            assert log.states()[other].state.events == sum(e.household_id == other for e in events)
            decided = [DECISION.decode(record.value) for record in log.decisions.read_to_end()]
            assert sum(
                d.household_id == asked and d.event_id != "in-flight" for d in decided
            ) == len(ours)
            assert {d.bundle for d in decided if d.event_id == "in-flight"} == {swapped.version}

            checked = misfire(broker, "verify-erased", asked, code=1)
            assert checked["state_erased"]
            assert {left["source"] for left in checked["remains"]} >= {INTENTS, DECISIONS}
            assert misfire(broker, "erase", other)["applied"]


def test_the_operator_api_shows_exports_and_erases_a_household(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    key, url = pyrage.x25519.Identity.generate(), f"http://127.0.0.1:{free_port()}"
    events = a_town(households=2, sessions=4)
    ours = [event for event in events if event.household_id == "home1"]
    prepare(embedded)
    token = tmp_path / "operator.token"
    process = start_misfire(
        *("operator", "--broker", embedded.bootstrap, "--port", url.rpartition(":")[2]),
        log=tmp_path / "operator",
        environment=os.environ | {"MISFIRE_OPERATOR_TOKEN_FILE": str(token)},
    )
    try:
        with logs(embedded) as log, Worker(embedded, place, tmp_path / "log") as worker:
            worker.wait_ready()
            publish(embedded, events)
            log.applied(len(events))
            until(lambda: _healthy(url), (tmp_path / "operator").read_text)
            at, said = f"{url}/v1/households/home1", (tmp_path / "operator").read_text()
            assert loopback.get(at).status_code == 401
            assert (str(token) in said, token.read_text().strip() in said) == (True, False)
            bearer = {"authorization": f"Bearer {token.read_text().strip()}"}
            with httpx.Client(timeout=60, headers=bearer) as operator:
                shown = operator.get(at).json()
                assert shown == misfire(embedded, "show", "home1")
                archive = operator.post(f"{at}/export", json={"recipients": [str(key.to_public())]})
                opened = open_archive(archive.content, str(key))
                assert (opened.manifest["household_id"], opened.problems) == ("home1", ())
                assert len(opened.lines[INTENTS]) == len(ours)

                assert operator.post(f"{at}/erasure").json()["applied"]
                assert operator.get(f"{at}/erasure").json()["state_erased"]
            assert log.states()["home1"].state == HouseholdState.new("home1")
            assert log.states()["home0"].state.events == len(events) - len(ours)
    finally:
        process.stop()


def _healthy(url: str) -> bool:
    try:
        return loopback.get(f"{url}/healthz").is_success
    except httpx.HTTPError:
        return False
