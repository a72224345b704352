"""Event streams and labels on disk: JSON lines, plain or gzipped (``lines.py``)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from detector.contracts.events import IntentEvent
from streams.errors import RecordError, UsageError
from streams.files.event_check import EventCheck
from streams.files.lines import read_objects, write_lines
from streams.wire.records import INTENT
from streams.wire.strict_json import AMBIGUOUS, check_unambiguous

__all__ = [
    "LONGEST_LABEL",
    "read_events",
    "read_labels",
    "read_meant",
    "write_events",
    "write_labels",
]

NO_EVENTS = "contains no events; give a stream with one JSON object per line"
#: Longest label in characters; a kind of misfire is a word or two.
LONGEST_LABEL = 128


def read_events(path: Path) -> list[IntentEvent]:
    """Read a stream.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the stream is empty, or a line is not an event, repeats an ``event_id`` or is
            earlier than the household's line before. The message names the line.
    """
    events: list[IntentEvent] = []
    check = EventCheck()
    for number, line in read_objects(path):
        try:
            events.append(check.event(number, line))
        except RecordError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
    if not events:
        raise UsageError(f"{path} {NO_EVENTS}")
    return events


def read_meant(path: Path, labels: Path | None) -> list[IntentEvent]:
    """Read a stream without the events that its labels mark as misfires.

    Raises:
        DependencyUnavailable: a file does not exist.
        UsageError: a file is invalid, or a label names an event that is not in the stream.
    """
    events = read_events(path)
    misfires = read_labels(labels) if labels else {}
    unknown = misfires.keys() - {event.event_id for event in events}
    if unknown:
        raise UsageError(
            f"{labels}: {len(unknown)} labels name events that {path} does not contain, such as"
            f" {min(unknown)!r}; give the labels of this stream"
        )
    return [event for event in events if event.event_id not in misfires]


def read_labels(path: Path) -> dict[str, str]:
    """Read labels, and return the kind of misfire by ``event_id``.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: a line is not a label; the message names it.
    """
    labels: dict[str, str] = {}
    for number, line in read_objects(path):
        try:
            check_unambiguous(line)
            entry = json.loads(line)
            event_id, label = str(entry["event_id"]), str(entry["label"])
        except (RecordError, KeyError, TypeError) as error:
            if isinstance(error, RecordError) and error.code == AMBIGUOUS:
                raise UsageError(f"{path}, line {number}: {error}") from None
            raise UsageError(
                f"{path}, line {number}: a label is an object with event_id, label and chain_id"
            ) from None
        if len(label) > LONGEST_LABEL:
            raise UsageError(
                f"{path}, line {number}: label has more than {LONGEST_LABEL} characters"
            )
        labels[event_id] = label
    return labels


def write_events(path: Path, events: Iterable[IntentEvent]) -> None:
    """Write a stream, compressed if the name ends in ``.gz``."""
    write_lines(path, (INTENT.encode(event) for event in events))


def write_labels(path: Path, labels: Iterable[tuple[str, str, str]]) -> None:
    """Write (event_id, label, chain_id) labels."""
    rows = (
        {"event_id": event, "label": label, "chain_id": chain} for event, label, chain in labels
    )
    write_lines(path, (json.dumps(row).encode() for row in rows))
