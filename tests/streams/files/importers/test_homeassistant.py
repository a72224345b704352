from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files.importers.homeassistant import TRIGGERS, read_homeassistant
from streams.files.importers.records import Found
from streams.files.importers.times import Times
from tests.streams.files.importers.readers import database, faults, records, silent, skipped

CURRENT, OLD = "homeassistant_current.sql", "homeassistant_2021.sql"
USER = "1" * 32


def read(path: Path, *triggers: str) -> list[Found]:
    return list(read_homeassistant(path, Times(), silent, triggers or ("voice", "person")))


def change(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(statement, values)


def test_the_current_sample(tmp_path: Path) -> None:
    found = read(database(tmp_path, CURRENT))
    assert [
        (each.intent, each.text, each.device, each.speaker, dict(each.slots))
        for each in records(found)
    ] == [
        ("light.HassTurnOn", "", "assist_satellite.kitchen", None, {"name": "light.ceiling"}),
        ("lock.HassTurnOff", "", "app", USER, {"name": "lock.front_door"}),
        ("", "what time is it", "assist", USER, {}),
        ("cover.HassTurnOn", "", "alexa", "2" * 32, {"name": "cover.garage"}),
        ("scene.HassTurnOn", "", "app", USER, {"name": "scene.movie"}),
        ("script.HassTurnOn", "", "app", USER, {"name": "philippas_evening"}),
    ]
    assert skipped(found) == [
        "triggered by automation",
        "a service that is no command",
        "triggered by system",
    ]


def test_a_sample_of_an_older_schema(tmp_path: Path) -> None:
    found = read(database(tmp_path, OLD))
    assert [(each.intent, each.device, dict(each.slots)) for each in records(found)] == [
        ("lock.HassTurnOn", "app", {"name": "lock.front_door"}),
        (
            "light.HassLightSet",
            "google-assistant",
            {"name": "light.desk", "brightness_pct": "40"},
        ),
    ]
    time = records(found)[0].time
    assert abs(time.timestamp() - 1627848930.25) < 0.001


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_trigger_selects_its_records(trigger: str, tmp_path: Path) -> None:
    expected = {"voice": 3, "person": 3, "automation": 1, "system": 1}
    assert len(records(read(database(tmp_path, CURRENT), trigger))) == expected[trigger]


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_neither_the_file_nor_its_folder_changes(journal: str, tmp_path: Path) -> None:
    path = database(tmp_path, CURRENT)
    change(path, f"PRAGMA journal_mode = {journal}")

    def state() -> list[tuple[str, str]]:
        return [
            (each.name, hashlib.sha256(each.read_bytes()).hexdigest())
            for each in sorted(tmp_path.iterdir())
        ]

    before = state()
    assert len(records(read(path))) == 6
    assert state() == before


def test_a_database_that_is_being_written_is_read(tmp_path: Path) -> None:
    path = database(tmp_path, CURRENT)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE events SET time_fired_ts = time_fired_ts + 1")
        assert len(records(read(path))) == 6
        writer.rollback()


def test_a_partly_migrated_database_is_read(tmp_path: Path) -> None:
    path = database(tmp_path, OLD)
    for column in ("time_fired_ts FLOAT", "context_id_bin BLOB", "event_type_id INTEGER"):
        change(path, f"ALTER TABLE events ADD COLUMN {column}")
    assert len(records(read(path))) == 2


@pytest.mark.parametrize(
    "data",
    [
        "",
        "x",
        "[]",
        "7",
        "null",
        "{}",
        '{"domain": 1, "service": "x"}',
        '{"domain": "light", "service": "turn_on", "service_data": [1]}',
        '{"domain": "light", "service": "turn_on", "service_data": {"target": 5}}',
        "[" * 50_000,
        "\udcff",
        b"\xff\xfe",
    ],
)
def test_bad_data_are_a_fault_of_their_row(data: object, tmp_path: Path) -> None:
    path = database(tmp_path, CURRENT)
    value = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    change(path, "UPDATE event_data SET shared_data = CAST(? AS TEXT) WHERE data_id = 3", value)
    found = read(path)
    assert faults(found) == [("row 3", "its data are not a service call")]
    assert len([each for each in found if type(each).__name__ == "Record"]) == 5


def test_a_row_without_a_time_is_a_fault(tmp_path: Path) -> None:
    path = database(tmp_path, CURRENT)
    change(path, "UPDATE events SET time_fired_ts = 'soon' WHERE event_id = 3")
    assert faults(read(path)) == [("row 3", "it has no time")]


@pytest.mark.parametrize("name", ["turn on the light", "x" * 80, "", "1st"])
def test_a_service_with_another_name_is_a_fault(name: str, tmp_path: Path) -> None:
    path = database(tmp_path, CURRENT)
    data = json.dumps({"domain": "light", "service": name})
    change(path, "UPDATE event_data SET shared_data = ? WHERE data_id = 3", data)
    found = faults(read(path))
    assert found in ([("row 3", "the name of the service has another form")], [])


def _other(folder: Path) -> Path:
    path = folder / "other.db"
    change(path, "CREATE TABLE books (title TEXT)")
    return path


def _view(folder: Path) -> Path:
    path = folder / "view.db"
    change(
        path,
        "CREATE VIEW events AS WITH RECURSIVE n(event_id) AS"
        " (SELECT 1 UNION ALL SELECT event_id + 1 FROM n) SELECT * FROM n",
    )
    return path


def _damaged(folder: Path) -> Path:
    path = database(folder, CURRENT)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    return path


def _text(folder: Path) -> Path:
    path = folder / "text.db"
    path.write_text("Philippa")
    return path


@pytest.mark.parametrize("make", [_other, _view, _damaged, _text])
def test_another_file_is_a_usage_error(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(make(tmp_path))
    assert "Philippa" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="cannot be read"):
        read(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []
