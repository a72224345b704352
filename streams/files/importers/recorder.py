"""The database of Home Assistant's recorder, opened read-only: the rows that importing needs.

The schema changed several times: event types and data moved to tables of their own (versions 25 and
37), times became numbers (31), and ids of contexts became binary (36). The columns that exist
decide how a value is read, so databases of any version and in the middle of a migration work
(homeassistant/components/recorder/db_schema.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streams.errors import DependencyUnavailable, UsageError

__all__ = ["SATELLITE", "Row", "opened_database", "rows_of"]

#: The type of a row about an assist satellite, which is a state and not an event.
SATELLITE = "assist_satellite"
_EVENT_TYPES = (
    "alexa_smart_home",
    "automation_triggered",
    "call_service",
    "google_assistant_command",
)
#: Largest value in bytes. The recorder stores at most 32,768 bytes of an event's data.
_LARGEST = 1 << 20
_MAGIC = b"SQLite format 3\0"
#: Place of the file's version in its header; 2 is a write-ahead log.
_VERSION, _WAL = 18, 2


@dataclass(frozen=True, slots=True)
class Row:
    """An event, or a state of a satellite.

    Attributes:
        number: the row's id.
        type: the event's type, or ``SATELLITE``.
        data: the event's data as JSON, or the satellite's entity id.
        seconds: since 1970.
        context, user, parent: ids; empty if there are none.
    """

    number: int
    type: str
    data: str = field(repr=False)
    seconds: object
    context: str
    user: str
    parent: str


@contextmanager
def opened_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database without changing it or its folder.

    Raises:
        DependencyUnavailable: the file does not exist or cannot be read.
        UsageError: the file is not such a database, or is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_VERSION + 1)
    except OSError as error:
        raise DependencyUnavailable(f"{path} cannot be read: {error.strerror or error}") from None
    if not head.startswith(_MAGIC):
        raise UsageError(f"{path} is not an SQLite database; give home-assistant_v2.db")
    # Without a log beside it, nothing writes the file, and SQLite need not make one to read it.
    log = path.with_name(f"{path.name}-wal")
    frozen = head[_VERSION:] == bytes([_WAL]) and not log.exists()
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if frozen else ''}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.text_factory = lambda data: data.decode(errors="replace")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
            for pragma in ("query_only = 1", "trusted_schema = 0", "cell_size_check = 1"):
                database.execute(f"PRAGMA {pragma}")
            yield database
    except sqlite3.Error as error:
        # The name of SQLite's error says what is wrong, and unlike its message quotes nothing.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise UsageError(
            f"{path} cannot be read as a database ({name}); stop Home Assistant or copy the file"
            " with its -wal and -shm files, and try again"
        ) from None


def rows_of(database: sqlite3.Connection, path: Path) -> tuple[int, Iterator[Row]]:
    """Return the number of rows that importing needs, and the rows in the order of time.

    Raises:
        UsageError: the database is not one of Home Assistant's recorder.
    """
    query = _events(database) + _satellites(database)
    if not query:
        raise UsageError(
            f"{path} is not a database of Home Assistant's recorder: it has no table of events"
        )
    count = database.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]  # noqa: S608 - fixed
    found = database.execute(f"{query} ORDER BY 4, 1")
    return count, (
        Row(row[0], row[1], _text(row[2]), row[3], *map(_text, row[4:])) for row in found
    )


def _events(database: sqlite3.Connection) -> str:
    columns = _columns(database, "events")
    if not columns:
        return ""
    joined, kind, data = "", "e.event_type", "e.event_data"
    if "event_type_id" in columns and _columns(database, "event_types"):
        joined += " LEFT JOIN event_types t ON t.event_type_id = e.event_type_id"
        kind = "coalesce(t.event_type, e.event_type)"
    if "data_id" in columns and _columns(database, "event_data"):
        joined += " LEFT JOIN event_data d ON d.data_id = e.data_id"
        data = "coalesce(d.shared_data, e.event_data)"
    wanted = ", ".join(f"'{each}'" for each in _EVENT_TYPES)
    return (
        f"SELECT e.event_id, {kind}, {data}, {_seconds('time_fired', columns)},"  # noqa: S608
        f" {_ids(columns)} FROM events e{joined} WHERE {kind} IN ({wanted})"
    )


def _satellites(database: sqlite3.Connection) -> str:
    columns = _columns(database, "states")
    if not columns or not _columns(database, "events"):
        return ""
    joined, entity = "", "e.entity_id"
    if "metadata_id" in columns and _columns(database, "states_meta"):
        joined = " LEFT JOIN states_meta m ON m.metadata_id = e.metadata_id"
        entity = "coalesce(m.entity_id, e.entity_id)"
    return (
        f" UNION ALL SELECT e.state_id, '{SATELLITE}', {entity},"  # noqa: S608
        f" {_seconds('last_updated', columns)}, {_ids(columns)} FROM states e{joined}"
        f" WHERE {entity} LIKE '{SATELLITE}.%'"
    )


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns of a table; a view or a virtual table is none of the recorder's."""
    (tables,) = database.execute(
        "SELECT count(*) FROM sqlite_master"
        " WHERE type = 'table' AND name = ? AND sql NOT LIKE 'CREATE VIRTUAL%'",
        (table,),
    ).fetchone()
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")} if tables else set()


def _seconds(column: str, columns: set[str]) -> str:
    """Return the expression of a time in seconds since 1970; older columns have text in UTC."""
    ways = [f"e.{column}_ts"] if f"{column}_ts" in columns else []
    ways += [f"(julianday(e.{column}) - 2440587.5) * 86400.0"] if column in columns else []
    return f"coalesce({', '.join([*ways, 'NULL', 'NULL'])})"


def _ids(columns: set[str]) -> str:
    """Return the expressions of the ids of a context, its user and its parent."""
    return ", ".join(
        f"coalesce({', '.join([*(f'e.{name}' for name in names if name in columns), 'NULL'])}, '')"
        for names in (
            (f"context_{part}id_bin", f"context_{part}id") for part in ("", "user_", "parent_")
        )
    )


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else value if isinstance(value, str) else ""
