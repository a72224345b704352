"""Streams and labels on disk: JSON lines, plain or gzipped."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from detector.events import IntentEvent
from streams.errors import BadRecord, MissingPart, WrongUse
from streams.records import INTENT

__all__ = [
    "LONGEST_LABEL",
    "LONGEST_LINE",
    "MOST_UNPACKED",
    "read_events",
    "read_labels",
    "read_lines",
    "read_meant",
    "write_events",
    "write_labels",
    "write_lines",
]

#: Bytes. An event has at most 64 KiB (records.MAX_BYTES), a line of other logs hardly more.
LONGEST_LINE = 1 << 20
#: Characters; a kind of misfire is a word or two.
LONGEST_LABEL = 128
#: gzip packs a thousandfold what repeats, and event streams about fifteenfold. Below the floor in bytes any ratio is harmless.
MOST_UNPACKED = 500
_UNPACKED_FLOOR = 64 << 20


def read_events(path: Path) -> list[IntentEvent]:
    """Read a stream.

    Raises:
        MissingPart: the file is not there.
        WrongUse: a line is not an event, the stream is empty, an ``event_id`` comes twice, or a household's time goes back; the
            message names the line.
    """
    events: list[IntentEvent] = []
    seen: dict[str, int] = {}
    latest: dict[str, tuple[datetime, int]] = {}
    for number, line in read_lines(path):
        try:
            event = INTENT.decode(line)
        except BadRecord as error:
            raise WrongUse(f"{path}, line {number}: {error}") from None
        if event.event_id in seen:
            raise WrongUse(
                f"{path}, line {number}: the event_id of line {seen[event.event_id]} comes again; every event needs its own"
            )
        before, line_before = latest.get(event.household_id, (event.time, number))
        if event.time < before:
            raise WrongUse(
                f"{path}, line {number}: is earlier than line {line_before} of the same household; sort the stream by time"
            )
        latest[event.household_id] = event.time, number
        seen[event.event_id] = number
        events.append(event)
    if not events:
        raise WrongUse(f"{path} holds no events; give a stream with one JSON object per line")
    return events


def read_meant(path: Path, labels: Path | None) -> list[IntentEvent]:
    """Read a stream without what its labels say that nobody meant.

    Raises:
        MissingPart: a file is not there.
        WrongUse: a file cannot be used, or a label is for an event that the stream does not hold.
    """
    events = read_events(path)
    misfires = read_labels(labels) if labels else {}
    strangers = misfires.keys() - {event.event_id for event in events}
    if strangers:
        raise WrongUse(
            f"{labels}: {len(strangers)} labels are for events that {path} does not hold, such as {min(strangers)!r}; "
            "give the labels of this stream"
        )
    return [event for event in events if event.event_id not in misfires]


def read_labels(path: Path) -> dict[str, str]:
    """Read labels: ``event_id`` to the kind of misfire.

    Raises:
        MissingPart: the file is not there.
        WrongUse: a line is not a label; the message names it.
    """
    labels: dict[str, str] = {}
    for number, line in read_lines(path):
        try:
            entry = json.loads(line)
            event_id, label = str(entry["event_id"]), str(entry["label"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise WrongUse(
                f"{path}, line {number}: a label is an object with event_id, label and chain_id"
            ) from None
        if len(label) > LONGEST_LABEL:
            raise WrongUse(f"{path}, line {number}: label has more than {LONGEST_LABEL} characters")
        labels[event_id] = label
    return labels


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Read the lines of a file that are not empty, with their numbers.

    Raises:
        MissingPart: the file is not there.
        WrongUse: it cannot be read.
    """
    if not path.is_file():
        raise MissingPart(f"{path} is not there; give a text file, plain or .gz")
    try:
        most = max(_UNPACKED_FLOOR, MOST_UNPACKED * path.stat().st_size)
        with _opened(path, "rb") as file:
            number = unpacked = 0
            while line := file.readline(LONGEST_LINE + 1):
                number, unpacked = number + 1, unpacked + len(line)
                if len(line) > LONGEST_LINE:
                    raise WrongUse(f"{path}, line {number}: has more than {LONGEST_LINE} bytes")
                if unpacked > most:
                    raise WrongUse(
                        f"{path} unpacks to more than {MOST_UNPACKED} times its size; no stream of events does"
                    )
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise WrongUse(
            f"{path} cannot be read as {'gzip' if path.suffix == '.gz' else 'text'}: {error}"
        ) from None


def write_events(path: Path, events: Iterable[IntentEvent]) -> None:
    """Write a stream; ``.gz`` compresses it."""
    write_lines(path, (INTENT.encode(event) for event in events))


def write_labels(path: Path, labels: Iterable[tuple[str, str, str]]) -> None:
    """Write (event_id, label, chain_id) labels."""
    rows = ({"event_id": event, "label": label, "chain_id": chain} for event, label, chain in labels)
    write_lines(path, (json.dumps(row).encode() for row in rows))


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines of bytes.

    Raises:
        MissingPart: the file cannot be written.
    """
    try:
        with _opened(path, "wb") as file:
            for line in lines:
                file.write(line + b"\n")
    except OSError as error:
        raise MissingPart(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    if path.suffix != ".gz":
        with path.open(mode) as plain:
            yield plain
        return
    # No time stamp and no name in the header: the same stream gives the same bytes.
    with path.open(mode) as raw, gzip.GzipFile("", mode, fileobj=raw, mtime=0) as packed:
        yield packed  # type: ignore[misc]
