"""``misfire import``: from a foreign log to a stream that ``misfire scan`` reads."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from streams.files.events import read_events, read_labels
from streams.files.keyring import read_keyring
from streams.wire.token_format import check_tokens
from tests.commands import misfire
from tests.streams.files.importers.readers import SAMPLES, database

MAP = ("when=time", "room=device", "who=speaker", "spoken=text", "misfire=label")
#: Words of the samples that may appear nowhere.
WORDS = ("philippa", "aunt", "voice code", "kitchen echo", "nest mini", "amadeup", "anna", "bert")


def log_of(kind: str, folder: Path) -> Path:
    if kind == "homeassistant":
        return database(folder, "homeassistant_current.sql")
    name = {"alexa": "alexa.json", "takeout": "takeout.json", "csv": "table.csv"}[kind]
    return Path(shutil.copy(SAMPLES / name, folder))


def imported(kind: str, folder: Path, *options: object) -> Any:
    more = [f"--map={pair}" for pair in MAP] if kind == "csv" else []
    log = folder / "log"
    log.mkdir(exist_ok=True)
    source = next(log.iterdir(), None) or log_of(kind, log)
    return misfire("import", kind, source, "--output", folder / "home.jsonl.gz", *more, *options)


@pytest.mark.parametrize(
    ("kind", "intents"),
    [
        ("alexa", ["alarms.SetAlarm", "other.Request", "lock.HassTurnOff"]),
        ("takeout", ["weather.HassGetWeather", "calls.PlaceCall", "light.HassTurnOff"]),
        (
            "csv",
            [
                "switch.HassTurnOn",
                "lock.HassGetState",
                "lock.HassTurnOn",
                "restaurants.OrderTakeaway",
            ],
        ),
        (
            "homeassistant",
            [
                "light.HassTurnOn",
                "lock.HassTurnOff",
                "assist.HassGetCurrentTime",
                "cover.HassTurnOn",
                "scene.HassTurnOn",
                "script.HassTurnOn",
            ],
        ),
    ],
)
def test_each_sample_becomes_a_stream_without_spoken_words(
    kind: str, intents: list[str], tmp_path: Path
) -> None:
    done = imported(kind, tmp_path, "--json", tmp_path / "summary.json")
    assert done.returncode == 0, done.stderr
    events = read_events(tmp_path / "home.jsonl.gz")
    assert [event.intent for event in events] == intents
    for event in events:
        check_tokens(event, ids=True)
    written = [each.read_bytes() for each in tmp_path.iterdir() if each.is_file()]
    written.append(gzip.decompress((tmp_path / "home.jsonl.gz").read_bytes()))
    written += [done.stdout.encode(), done.stderr.encode()]
    for content in written:
        assert not [word for word in WORDS if word.encode() in content.lower()]


def test_the_key_is_kept_beside_the_output_for_its_owner_only(tmp_path: Path) -> None:
    imported("alexa", tmp_path)
    keys = tmp_path / "home.keys.json"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert read_keyring(keys).tenant == "home"


def test_the_labels_of_alexa_are_beside_the_output(tmp_path: Path) -> None:
    done = imported("alexa", tmp_path)
    labels = read_labels(tmp_path / "home.labels.jsonl")
    events = {event.event_id: event for event in read_events(tmp_path / "home.jsonl.gz")}
    assert [(events[key].intent, label) for key, label in labels.items()] == [
        ("other.Request", "not_device_directed")
    ]
    assert "1 commands are labelled" in done.stderr


def test_a_second_run_overwrites_nothing_without_force_and_never_the_key(tmp_path: Path) -> None:
    imported("alexa", tmp_path)
    kept = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}
    refused = imported("alexa", tmp_path)
    assert refused.returncode == 2
    assert "overwrite with --force" in refused.stderr
    assert imported("alexa", tmp_path, "--force").returncode == 0
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == kept


def test_a_keyring_is_shared_by_the_logs_of_a_home(tmp_path: Path) -> None:
    keys = tmp_path / "home.keys"
    homes = set()
    for kind in ("alexa", "takeout"):
        folder = tmp_path / kind
        folder.mkdir()
        assert imported(kind, folder, "--keys", keys).returncode == 0
        homes |= {event.household_id for event in read_events(folder / "home.jsonl.gz")}
    assert len(homes) == 1


def test_a_keyring_that_others_can_read_is_refused(tmp_path: Path) -> None:
    imported("alexa", tmp_path)
    (tmp_path / "home.keys.json").chmod(0o644)
    done = imported("alexa", tmp_path, "--force")
    assert done.returncode == 2
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("alexa", '{"customerHistoryRecords": []}'),
        ("takeout", "[]"),
        ("csv", "when,room,who,spoken,misfire\n"),
    ],
)
def test_an_empty_log_writes_nothing(kind: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "empty").write_text(content)
    done = imported(kind, tmp_path)
    assert done.returncode == 1
    assert "the log has no commands" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["log"]


def test_an_empty_database_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    path = database(tmp_path / "log", "homeassistant_2021.sql")
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("DELETE FROM events")
    assert imported("homeassistant", tmp_path).returncode == 1


def test_faults_are_counted_and_listed_by_their_place_without_content(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    rows = ["when,room,who,spoken,misfire", "2026-03-28T07:10:00Z,hall,,lights on,"]
    rows += ["Philippa,hall,,call Philippa,"] * 30
    (tmp_path / "log" / "log.csv").write_text("\n".join(rows))
    done = imported("csv", tmp_path)
    said = " ".join(done.stderr.split())
    assert done.returncode == 0
    assert "30 records cannot be read: the time cannot be read" in said
    assert "they are line 3, line 4" in said
    assert "and 10 more" in said
    assert "Philippa" not in said


def test_the_change_of_clocks_is_counted(tmp_path: Path) -> None:
    done = imported("csv", tmp_path, "--timezone", "Europe/Berlin")
    assert "1 times are in an hour that exists twice" in " ".join(done.stderr.split())


def test_the_summary_as_json(tmp_path: Path) -> None:
    done = imported("alexa", tmp_path, "--json", "-")
    found = json.loads(done.stdout)
    assert (found["events"], found["other"], found["labels"]) == (3, 1, 1)
    assert found["skipped"] == {
        "the wake word alone": 1,
        "a routine, a tap, or another device's": 1,
    }


def test_triggers_can_be_chosen(tmp_path: Path) -> None:
    assert imported("homeassistant", tmp_path, "--trigger", "automation").returncode == 0
    assert len(read_events(tmp_path / "home.jsonl.gz")) == 1


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("homeassistant", ("--trigger", "ghost"), "choose from voice"),
        ("alexa", ("--language", "tlh"), "no sentences for the language"),
        ("takeout", ("--timezone", "Mars"), "--timezone"),
        ("csv", ("--separator", ";;"), "--separator"),
        ("csv", ("--map", "x=y"), "no field y"),
        ("alexa", ("--silence", "0"), "silence"),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    kind: str, options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = imported(kind, tmp_path, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["log"]


def test_a_missing_log_is_exit_code_3(tmp_path: Path) -> None:
    done = misfire("import", "alexa", tmp_path / "none", "--output", tmp_path / "home.jsonl")
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["homeassistant", "alexa", "takeout", "csv"])
def test_help_has_an_example(kind: str) -> None:
    assert f"    misfire import {kind} " in misfire("import", kind, "--help").stdout
