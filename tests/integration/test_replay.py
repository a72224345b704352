from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from detector.contracts.events import IntentEvent
from detector.training.train import train
from streams.files.bundles import read_bundle, write_bundle
from streams.files.events import read_events, write_events
from streams.files.policy import read_policy
from streams.local.embedded_broker import EmbeddedBroker
from streams.wire.records import DECISION
from tests.commands import misfire
from tests.detector.builders import hand_bundle, hand_judge
from tests.integration.kafka import ApacheKafka
from tests.integration.stream import a_town, bundle_on_disk
from tests.integration.worker import Worker, logs, prepare, publish, pure


def test_a_replay_gives_the_same_bytes_as_the_core_and_as_another_replay(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    bundle, place = bundle_on_disk(tmp_path)
    events = a_town()
    write_events(tmp_path / "stream.jsonl.gz", events)

    first = _replay(
        tmp_path / "stream.jsonl.gz",
        place,
        tmp_path / "first.jsonl",
        "--broker",
        apache_kafka.bootstrap,
    )
    second = _replay(tmp_path / "stream.jsonl.gz", place, tmp_path / "second.jsonl")

    wanted = pure(events, bundle)
    lines = b"".join(wanted[event.event_id] + b"\n" for event in events)
    assert (tmp_path / "first.jsonl").read_bytes() == lines
    assert (tmp_path / "second.jsonl").read_bytes() == lines
    counts = {
        "sent": len(events),
        "decided": len(events),
        "lost": 0,
        "doubled": 0,
        "dead_letters": 0,
    }
    assert first["counts"] == counts
    assert second["counts"] == counts


def test_a_replay_refuses_a_broker_that_already_contains_events(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    prepare(embedded)
    publish(embedded, a_town(households=1, sessions=1))
    write_events(tmp_path / "stream.jsonl", a_town(households=1, sessions=1))

    ended = _run(tmp_path / "stream.jsonl", place, "--broker", embedded.bootstrap)

    assert ended.returncode == 2
    assert "assistant.intents" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_log_gives_a_decision_again_and_tries_a_candidate(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    _, place = bundle_on_disk(tmp_path)
    events = a_town(households=2, sessions=4)
    prepare(embedded)
    with Worker(embedded, place, tmp_path / "worker.log") as worker, logs(embedded) as written:
        worker.wait_ready()
        publish(embedded, events)
        records = written.decided(len(events))
    last = next(
        found
        for found in map(DECISION.decode, (record.value for record in records))
        if found.event_id == events[-1].event_id
    )

    ended = misfire(
        *("replay", "--decision", last.decision_id, "--household", last.household_id),
        *("--bundle", place, "--broker", embedded.bootstrap, "--json", "-"),
    )

    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["same"] is True
    assert report["notes"] == []
    _backtest(embedded, tmp_path, place, events)
    _train_and_measure_drift(embedded, tmp_path, place)
    assert report["published"] == report["replayed"]
    assert report["event_at"].startswith("assistant.intents, partition")


def _backtest(
    broker: EmbeddedBroker, folder: Path, active: Path, events: Sequence[IntentEvent]
) -> None:
    """Try a candidate that stops nothing on the log that the worker wrote."""
    write_bundle(hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0))), folder / "candidate")
    # The events are years old, and the embedded broker keeps the times of producers.
    command = ["backtest", "--candidate", folder / "candidate", "--bundle", active]
    command += ["--broker", broker.bootstrap, "--since", "99999d", "--json", "-"]
    command += ["--checkpoint", folder / "backtest.sqlite"]
    first, second = misfire(*command), misfire(*command)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    found = json.loads(first.stdout)
    assert sum(found["commands"].values()) == sum(event.commits for event in events)
    assert found["counts"]["events"] == len(events)
    assert found["counts"]["commands without a published decision"] == 0
    assert json.loads(second.stdout) == found


def _train_and_measure_drift(broker: EmbeddedBroker, folder: Path, active: Path) -> None:
    """Read the training data twice: it is too little for a bundle, and for a comparison."""
    options = ["--broker", broker.bootstrap]
    trained = misfire("train", "--from-topic", "--out", folder / "trained", *options)
    assert trained.returncode == 2
    assert "training needs at least 6 households" in trained.stderr
    drift = misfire(
        *("drift", "--bundle", active, "--since", "99999d", "--json", "-", *options),
    )
    assert drift.returncode == 0, drift.stderr
    assert json.loads(drift.stdout)["commands"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_replays_of_the_development_stream_give_the_same_bytes(tmp_path: Path) -> None:
    if "MISFIRE_DATA" not in os.environ:
        pytest.skip("MISFIRE_DATA does not name a folder that holds sgd_households")
    data = Path(os.environ["MISFIRE_DATA"]) / "sgd_households"
    trained = train(read_events(data / "train.jsonl.gz"), read_policy())
    write_bundle(trained.bundle, tmp_path / "bundle")
    stream = data / "dev.jsonl.gz"

    for name in ("first", "second"):
        counts = _replay(stream, tmp_path / "bundle", tmp_path / name)["counts"]
        assert counts == {
            "sent": 31_912,
            "decided": 31_912,
            "lost": 0,
            "doubled": 0,
            "dead_letters": 0,
        }

    events = read_events(stream)
    wanted = pure(events, read_bundle(tmp_path / "bundle"))
    assert (tmp_path / "first").read_bytes() == b"".join(
        wanted[event.event_id] + b"\n" for event in events
    )
    assert (tmp_path / "second").read_bytes() == (tmp_path / "first").read_bytes()


def _replay(stream: Path, bundle: Path, out: Path, *options: str) -> dict[str, dict[str, int]]:
    ended = _run(stream, bundle, "--out", str(out), "--json", "-", *options)
    assert ended.returncode == 0, ended.stderr
    report: dict[str, dict[str, int]] = json.loads(ended.stdout)
    return report


def _run(stream: Path, bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return misfire("replay", stream, "--bundle", bundle, *options)
