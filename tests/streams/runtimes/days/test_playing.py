"""A month that a runtime plays through its adapter, in this process and in another."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from detector.contracts.events import IntentEvent
from streams.files.events import write_events, write_labels
from streams.hook import Hook
from streams.local.processes import free_port
from streams.runtimes import Ruling
from streams.runtimes.contract import Turn
from streams.runtimes.days import (
    Tally,
    differences,
    evaluated,
    moved_in,
    play_month,
    read_played,
)
from tests.detector.builders import START, event, hand_bundle
from tests.streams.runtimes.obedient import Obedient, runtime, unguarded
from tests.streams.runtimes.test_contract import served

PHANTOM = "e5"


def month() -> list[IntentEvent]:
    """Return the commands of two homes, one of them a phantom."""
    return [
        event(
            number,
            time=START + timedelta(hours=number),
            household_id=f"h{number % 2}",
            session_id=f"s{number}",
            intent="messages.SendMessage" if number % 3 else "lights.TurnOn",
            commits=True,
        )
        for number in range(12)
    ]


def test_a_runtime_decides_what_the_evaluation_decides() -> None:
    tally, bundle = Tally(), hand_bundle()

    played = list(play_month(month(), {PHANTOM}, bundle, runtime, tally, unguarded=unguarded()))

    assert differences(played, evaluated(played, bundle)) == []
    assert [each.event.time for each in played if each.phantom] == [START + timedelta(hours=5)]
    assert {each.event.household_id for each in played} == {"h0", "h1"}
    assert len(tally.guarded) == len(tally.unguarded) > 0
    assert not tally.disobeyed


def test_a_runtime_that_disobeys_is_counted() -> None:
    class RunsAll(Obedient):
        def _end(self, ruling: Ruling) -> Turn:
            return Turn(ran=[ruling.event.intent, ruling.event.intent])

    tally = Tally()
    list(play_month(month(), {PHANTOM}, hand_bundle(), RunsAll, tally))

    assert tally.disobeyed


def test_a_runtime_in_another_process_asks_the_gateway_of_each_home() -> None:
    port, bundle, tally = free_port(), hand_bundle(), Tally()
    with (
        Hook(f"http://127.0.0.1:{port}", deadline_ms=5000) as hook,
        served(hook) as url,
        moved_in(url, None, port) as (move_in, bare),
    ):
        played = list(play_month(month(), {PHANTOM}, bundle, move_in, tally, unguarded=bare))

    assert len(played) == 12
    assert not tally.disobeyed


def test_the_command_writes_what_the_runtime_decided(tmp_path: Path) -> None:
    write_events(tmp_path / "month.jsonl", month())
    write_labels(tmp_path / "labels.jsonl", [(PHANTOM, "risky", PHANTOM)])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "streams.cli", "runtimes", "play"),
            "python:tests.streams.runtimes.obedient",
            *("--month", tmp_path / "month.jsonl", "--labels", tmp_path / "labels.jsonl"),
            *("--out", tmp_path / "played.jsonl"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "0 commands ran against their decision" in done.stderr
    assert len(read_played(tmp_path / "played.jsonl")) == 12
