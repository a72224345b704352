from __future__ import annotations

import json
from pathlib import Path

from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from streams.files.bundles import write_bundle
from streams.files.events import read_events
from tests.commands import misfire
from tests.detector.builders import ABSURD, SURE, hand_bundle, heard, send_message

EVENTS = [
    *heard(send_message(), SURE),
    *heard(send_message(10, session="s2", days=1.0), ABSURD),
]


def home_file(path: Path) -> Path:
    file = HouseholdFile(path, patience=1.0)
    home = Home(file, hand_bundle(), confirmation_key=None, keep_days=30.0)
    for each in EVENTS:
        home.decide(each, each.seconds)
    file.close()
    return path


def test_the_kept_events_become_a_stream(tmp_path: Path) -> None:
    file, stream = home_file(tmp_path / "home.db"), tmp_path / "home.jsonl.gz"
    done = misfire("embedded", "events", file, "--output", stream)
    assert done.returncode == 0, done.stderr
    assert "6 events of 1 household(s)" in " ".join(done.stderr.split())
    assert read_events(stream) == EVENTS


def test_scan_reads_a_household_file(tmp_path: Path) -> None:
    file, bundle = home_file(tmp_path / "home.db"), tmp_path / "bundle"
    write_bundle(hand_bundle(), bundle)
    done = misfire("scan", file, "--bundle", bundle, "--json", "-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["events"], found["households"], found["bad_lines"]["count"]) == (6, 1, 0)
    assert found["findings"][0]["event_id"] == "e12"


def test_another_database_is_wrong_input(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE states (entity TEXT)")
    other.close()
    done = misfire("scan", tmp_path / "other.db")
    assert done.returncode == 2
    assert "is of another kind" in done.stderr
