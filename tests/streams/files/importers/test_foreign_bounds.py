"""Large and hostile logs: bounded memory, and limits that are kept."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UsageError
from streams.files.importers import source as sources
from streams.files.importers.alexa import read_alexa
from streams.files.importers.homeassistant import TRIGGERS, read_homeassistant
from streams.files.importers.records import Fault, Record, Skipped
from streams.files.importers.source import LARGEST_RECORD
from streams.files.importers.takeout import read_takeout
from streams.files.importers.times import Times
from tests.streams.files.importers.readers import SAMPLES, database, silent

RECORD: dict[str, Any] = json.loads((SAMPLES / "alexa.json").read_text("utf-8"))[
    "customerHistoryRecords"
][0]
#: Any JSON value.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _history(count: int) -> Iterator[bytes]:
    yield b'{"customerHistoryRecords": ['
    for number in range(count):
        each = RECORD | {"recordKey": f"k{number}", "timestamp": 1775239385000 + number}
        yield (b"," if number else b"") + json.dumps(each).encode()
    yield b"]}"


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for count in (500, 5_000):
        path = tmp_path / f"{count}.json.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.writelines(_history(count))
        tracemalloc.start()
        assert sum(1 for _ in read_alexa(path, Times(), silent)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + (1 << 20)


@pytest.mark.parametrize(
    "content",
    [
        b'{"customerHistoryRecords": [{"recordKey": "' + b"x" * (LARGEST_RECORD + (1 << 20)),
        b'{"other": [' + b"1," * (LARGEST_RECORD // 2 + (1 << 20)),
    ],
    ids=["a long text", "much else"],
)
def test_an_endless_record_is_not_read_whole(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="a record of more than"):
        list(read_alexa(path, Times(), silent))


def test_a_log_with_too_much_decompressed_data_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sources, "_UNPACKED_FLOOR", 1 << 20)
    path = tmp_path / "history.json.gz"
    path.write_bytes(gzip.compress(b'{"customerHistoryRecords": [' + b" " * (3 << 20)))
    with pytest.raises(UsageError, match="unpacks to more than"):
        list(read_alexa(path, Times(), silent))


@pytest.mark.parametrize(
    "content",
    [
        '{"customerHistoryRecords": [{"recordKey": "k", "device": %s%s}]}',
        '{"other": %s%s, "customerHistoryRecords": []}',
    ],
)
def test_a_deep_document_is_refused_before_it_takes_memory(content: str, tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(content % ("[" * 100_000, "]" * 100_000))
    tracemalloc.start()
    with pytest.raises(UsageError, match="nested deeper than 64 levels"):
        list(read_alexa(path, Times(), silent))
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@given(
    st.dictionaries(
        st.sampled_from([*RECORD, "domain"]), VALUES | st.sampled_from(list(RECORD.values()))
    )
)
def test_a_history_with_any_types_does_not_stop_the_reader(
    tmp_path_factory: pytest.TempPathFactory, changed: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "types.json"
    path.write_text(json.dumps({"customerHistoryRecords": [RECORD | changed, RECORD]}))
    try:
        found = list(read_alexa(path, Times(), silent))
    except UsageError:  # NaN and Infinity are not JSON
        return
    assert len(found) == 2
    assert isinstance(found[1], Record)


@given(st.lists(VALUES | st.fixed_dictionaries({"title": VALUES, "time": VALUES}), max_size=4))
def test_an_activity_with_any_values_does_not_stop_the_reader(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "values.json"
    path.write_text(json.dumps(values))
    try:
        found = list(read_takeout(path, Times(), silent))
    except UsageError:
        return
    assert len(found) == len(values)
    assert all(isinstance(each, Fault | Skipped) for each in found)


@given(data=VALUES, seconds=st.none() | st.floats() | st.integers(-(2**63), 2**63 - 1) | st.text())
def test_a_database_with_any_data_and_time_does_not_stop_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: Any, seconds: Any
) -> None:
    folder = tmp_path_factory.getbasetemp() / "database"
    folder.mkdir(exist_ok=True)
    path = folder / "home-assistant_v2.db"
    if not path.exists():
        database(folder, "homeassistant_current.sql")
    call = {"domain": "light", "service": "turn_on", "service_data": data}
    # SQLite stores no lone surrogates.
    text = json.dumps(call)
    seconds = seconds.encode("utf-8", "replace").decode() if isinstance(seconds, str) else seconds
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("UPDATE event_data SET shared_data = ? WHERE data_id = 3", (text,))
        made.execute("UPDATE events SET time_fired_ts = ? WHERE event_id = 3", (seconds,))
    found = list(read_homeassistant(path, Times(), silent, TRIGGERS))
    assert sum(isinstance(each, Record) for each in found) >= 7
