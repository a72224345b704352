"""Tables with any columns, as CSV: a map says which column is which field of a command."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from detector.contracts.events import INTENT_FORM
from streams.errors import UsageError
from streams.files.importers.records import Advance, Fault, Found, Record, Unreadable, found_at
from streams.files.importers.times import Times
from streams.files.lines import LONGEST_LINE, read_lines

__all__ = ["FIELDS", "column_map", "read_table"]

#: The fields that a column may have; ``slot.NAME`` is a slot.
FIELDS = (
    "time",
    "text",
    "intent",
    "device",
    "household",
    "speaker",
    "session",
    "key",
    "label",
    "asr_confidence",
)
_SLOT = "slot."
_SEPARATORS = ",;\t|"
#: A label is written as it is, so it must be a word and no sentence.
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
#: Longest identifier or label in characters.
_LONGEST = 512


def column_map(pairs: Sequence[str]) -> dict[str, str]:
    """Return the column of each field, from texts of the form ``column=field``.

    Raises:
        UsageError: a text has another form, a field is unknown or twice, or a needed one is absent.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        column, separator, name = pair.rpartition("=")
        if not separator or not column:
            raise UsageError(f"--map {pair}: write COLUMN=FIELD, such as --map spoken=text")
        if name not in FIELDS and not (name.startswith(_SLOT) and name != _SLOT):
            raise UsageError(
                f"--map {pair}: there is no field {name}; choose from {', '.join(FIELDS)} and"
                " slot.NAME"
            )
        if name in columns:
            raise UsageError(f"--map {pair}: the field {name} has a column already")
        columns[name] = column
    if "time" not in columns or not {"text", "intent"} & columns.keys():
        raise UsageError("--map needs a column for time, and one for text or intent")
    return columns


def read_table(
    path: Path, columns: Mapping[str, str], times: Times, separator: str | None, advance: Advance
) -> Iterator[Found]:
    """Yield the rows of a table whose first row has the names of the columns.

    Args:
        path: the file, plain or .gz.
        columns: the column of each field.
        times: reads the times.
        separator: between columns; by default the one of ``, ; tab |`` that the first row has most.
        advance: told how many bytes were read.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is not a table, or lacks a column.
    """
    source = _Lines(path, advance)
    lines = iter(source)
    header = next(lines, None)
    if header is None:
        raise UsageError(f"{path} is empty; its first line has the names of the columns")
    separator = separator or max(_SEPARATORS, key=header.count)
    csv.field_size_limit(LONGEST_LINE)
    try:
        names = next(csv.reader([header], delimiter=separator))
    except csv.Error as error:
        raise UsageError(
            f"{path} is not a table that can be read: save it again as CSV ({error})"
        ) from None
    absent = sorted(set(columns.values()) - set(names))
    if absent:
        raise UsageError(f"{path} has no column {', '.join(absent)}; name its columns with --map")
    at = {name: names.index(column) for name, column in columns.items()}
    rows = csv.reader(lines, delimiter=separator)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Fault(source.place, "it is not a row of the table")
            continue
        place = source.place
        yield found_at(place, partial(_found, row, at, len(names), place, times))


class _Lines:
    """The lines of a file as text, and the place of the present one."""

    def __init__(self, path: Path, advance: Advance) -> None:
        self._path, self._advance = path, advance
        self.place = "line 0"

    def __iter__(self) -> Iterator[str]:
        """Yield the lines."""
        total = self._path.stat().st_size if self._path.is_file() else 0
        taken = 0
        for number, line in read_lines(self._path):
            self.place = f"line {number}"
            taken += len(line)
            self._advance(min(taken, total), total)
            yield line.decode(errors="replace").replace("\0", "")


def _found(row: list[str], at: Mapping[str, int], width: int, place: str, times: Times) -> Found:
    if len(row) != width:
        raise Unreadable(f"it has {len(row)} columns instead of {width}")
    values = {name: row[column].strip() for name, column in at.items()}
    _check(values)
    return Record(
        key=values.get("key") or place,
        time=times.read(values["time"]),
        device=values.get("device") or "device",
        text=values.get("text", ""),
        intent=values.get("intent", ""),
        slots={
            name.removeprefix(_SLOT): value
            for name, value in values.items()
            if name.startswith(_SLOT) and value
        },
        household=values.get("household", ""),
        speaker=values.get("speaker") or None,
        session=values.get("session") or None,
        label=values.get("label") or None,
        asr_confidence=_share(values.get("asr_confidence", "")),
    )


def _check(values: Mapping[str, str]) -> None:
    """Raise ``Unreadable`` for values that are not those of a command."""
    intent, label = values.get("intent", ""), values.get("label", "")
    if intent and not INTENT_FORM.fullmatch(intent):
        raise Unreadable("intent is not of the form domain.Name")
    if not intent and not values.get("text"):
        raise Unreadable("it has neither text nor intent")
    if label and not _LABEL.fullmatch(label):
        raise Unreadable("label is not a word")
    if any(len(value) > _LONGEST for name, value in values.items() if name != "text"):
        raise Unreadable(f"a value has more than {_LONGEST} characters")


def _share(text: str) -> float | None:
    """Return a number from 0 to 1, or ``None`` if it is not given."""
    try:
        share = float(text) if text else None
    except ValueError:
        share = -1.0
    if share is not None and not 0.0 <= share <= 1.0:
        raise Unreadable("asr_confidence is not a number from 0 to 1")
    return share
