"""Fuzz targets of the readers of foreign logs, and of the understanding of texts."""

from __future__ import annotations

import io
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from detector.contracts.events import INTENT_FORM
from streams.errors import DependencyUnavailable, UsageError
from streams.files.importers.alexa import read_alexa
from streams.files.importers.homeassistant import TRIGGERS, read_homeassistant
from streams.files.importers.records import Fault, Found, Record
from streams.files.importers.table import column_map, read_table
from streams.files.importers.takeout import read_takeout
from streams.files.importers.times import Times, zone_of
from streams.files.understanding import Understanding
from tests.streams.files.importers.readers import SAMPLES, silent

__all__ = [
    "database_seed",
    "foreign_database",
    "foreign_json",
    "foreign_table",
    "samples",
    "spoken_text",
    "zipped_activity",
]

_COLUMNS = column_map(
    ["when=time", "room=device", "spoken=text", "misfire=label", "confidence=asr_confidence"]
)
#: Longest reason of a fault; a longer one would quote the record.
_LONGEST_REASON = 80


def foreign_json(data: bytes) -> None:
    """Read a voice history and an activity."""
    path = _file("log.json", data)
    for read in (read_alexa, read_takeout):
        _read_all(lambda read=read: read(path, _times(), silent))  # type: ignore[misc]


def foreign_table(data: bytes) -> None:
    """Read a table."""
    path = _file("log.csv", data)
    _read_all(lambda: read_table(path, _COLUMNS, _times(), None, silent))


def foreign_database(data: bytes) -> None:
    """Read a recorder's database; reading leaves no other file."""
    path = _file("log.db", data)
    _read_all(lambda: read_homeassistant(path, _times(), silent, TRIGGERS))
    assert {each.name for each in path.parent.iterdir()} <= {"log.db", "log.csv", "log.json"}


def spoken_text(data: bytes) -> None:
    """Understand a text: the intent has the form of one."""
    found = _understanding().of(data.decode("utf-8", "replace"))
    assert INTENT_FORM.fullmatch(found.intent)


def samples(*names: str) -> list[bytes]:
    """Return samples as seeds."""
    return [(SAMPLES / name).read_bytes() for name in names]


def zipped_activity() -> bytes:
    """Return an archive of Takeout."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("Takeout/Assistant/MyActivity.json", samples("takeout.json")[0])
    return buffer.getvalue()


def database_seed(script: str) -> bytes:
    """Return the database of a sample."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript((SAMPLES / script).read_text("utf-8"))
        return made.serialize()


def _read_all(read: Callable[[], Iterator[Found]]) -> None:
    try:
        for found in read():
            if isinstance(found, Record):
                assert found.time.utcoffset() is not None
                assert found.key
                assert found.device
            elif isinstance(found, Fault):
                assert len(found.reason) <= _LONGEST_REASON
    except (UsageError, DependencyUnavailable):
        pass


def _times() -> Times:
    return Times(zone_of("Europe/Berlin"))


@cache
def _understanding() -> Understanding:
    return Understanding()


def _file(name: str, data: bytes) -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="misfire-fuzz-")
