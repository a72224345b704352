"""Alexa's voice history: the JSON with ``customerHistoryRecords`` that alexa-privacy serves.

A record has ``timestamp`` (milliseconds), ``recordKey``, ``device.deviceName``, ``utteranceType``,
``activityStatus`` and ``voiceHistoryRecordItems``, whose ``recordItemType`` distinguishes what was
said from what Alexa answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from streams.errors import UsageError
from streams.files.importers.json_records import ELEMENT, values_in
from streams.files.importers.records import (
    Advance,
    Found,
    Record,
    Skipped,
    Unreadable,
    found_at,
)
from streams.files.importers.source import Source, opened
from streams.files.importers.times import Times

__all__ = ["NOT_DIRECTED", "read_alexa"]

#: The label of a command that Alexa itself discarded as not meant for it.
NOT_DIRECTED = "not_device_directed"
_DISCARDED = "DISCARDED_NON_DEVICE_DIRECTED_INTENT"
_SAID = ("CUSTOMER_TRANSCRIPT", "ASR_REPLACEMENT_TEXT")
#: Kinds of records that no person said, or that another device answered.
_NOT_SPOKEN = ("ROUTINES_OR_TAP_TO_ALEXA", "ROUTINES_3P", "DEVICE_ARBITRATION")
_RECORDS = "customerHistoryRecords"
_LONGEST_KEY = 512


def read_alexa(path: Path, times: Times, advance: Advance) -> Iterator[Found]:
    """Yield the records of a voice history: one page, an array of pages, or of records.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is not a voice history.
    """
    number, is_history = 0, False
    with opened(path, advance) as source:
        for value in _values(source, path):
            is_history = True
            if value is not None:
                number += 1
                yield found_at(f"record {number}", partial(_found, value, times))
    if not is_history and not _is_empty_history(path):
        raise UsageError(
            f"{path} has no {_RECORDS}; give the JSON of Alexa's voice history (its answers to"
            " customer-history-records)"
        )


def _values(source: Source, path: Path) -> Iterator[Any]:
    """Yield the records of a page, an array of pages, or an array; ``None`` for an empty page."""
    if source.first() == b"{":
        yield from values_in(source, path, _RECORDS, ELEMENT)
    elif source.first() == b"[":
        for value in values_in(source, path, ELEMENT):
            page = value.get(_RECORDS) if isinstance(value, dict) else None
            if isinstance(page, list):
                yield from page or [None]
            # An array of other things than pages and records is no history.
            elif isinstance(value, dict) and "recordKey" in value:
                yield value


def _is_empty_history(path: Path) -> bool:
    """Return whether a file is a page without records."""
    with opened(path, lambda *_: None) as source:
        return source.first() == b"{" and next(values_in(source, path, _RECORDS), None) == []


def _found(value: Any, times: Times) -> Found:
    if not isinstance(value, dict):
        raise Unreadable("it is not an object")
    key, kind = value.get("recordKey"), value.get("utteranceType")
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY:
        raise Unreadable("recordKey is missing or not a text")
    if kind in _NOT_SPOKEN:
        return Skipped("a routine, a tap, or another device's")
    text = _said(value.get("voiceHistoryRecordItems") or [])
    # Earlier versions of the history have the status in utteranceType.
    discarded = _DISCARDED in (value.get("activityStatus"), kind)
    if not text and not discarded:
        return Skipped("the wake word alone" if kind == "WAKE_WORD_ONLY" else "no transcript")
    return Record(
        key=key,
        time=times.read(value.get("timestamp")),
        device=_device(value.get("device")),
        text=text,
        label=NOT_DIRECTED if discarded else None,
    )


def _said(items: Any) -> str:
    """Return what the items of a record say that a person said."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unreadable("voiceHistoryRecordItems is not a list of objects")
    said = [item.get("transcriptText") for item in items if item.get("recordItemType") in _SAID]
    if not all(text is None or isinstance(text, str) for text in said):
        raise Unreadable("transcriptText is not a text")
    return " ".join(filter(None, said)).strip()


def _device(device: object) -> str:
    name = device.get("deviceName") if isinstance(device, dict) else None
    return name if isinstance(name, str) and name else "alexa"
