"""Google Assistant's activity: ``MyActivity.json`` of Google Takeout, also inside of its archive.

An entry has a ``title`` such as "Said turn off the lights", a ``time``, and ``details`` that may
name the device. Takeout makes HTML unless JSON is chosen.
"""

from __future__ import annotations

import hashlib
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
from streams.files.importers.source import opened
from streams.files.importers.times import Times

__all__ = ["SAID", "read_takeout"]

#: What precedes the words in a title; other languages have another word.
SAID = "Said "
#: Takeout has one MyActivity.json for each product; the folder of this one is not translated.
_MEMBER = "Assistant/MyActivity.json"
_LONGEST_DEVICE = 200


def read_takeout(path: Path, times: Times, advance: Advance, said: str = SAID) -> Iterator[Found]:
    """Yield the entries of an activity.

    Args:
        path: the JSON file, or the archive of Takeout.
        times: reads the times.
        advance: told how far the file was read.
        said: the beginning of a title, before what was said.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is not an activity in JSON.
    """
    with opened(path, advance, _MEMBER) as source:
        start = source.first()
        if start == b"<":
            raise UsageError(
                f"{path} is HTML; make the archive again with JSON as the format of My Activity"
            )
        if start != b"[":
            raise UsageError(f"{path} is not the MyActivity.json of Google Assistant")
        for number, value in enumerate(values_in(source, path, ELEMENT), 1):
            yield found_at(f"record {number}", partial(_found, value, times, said))


def _found(value: Any, times: Times, said: str) -> Found:
    title = value.get("title") if isinstance(value, dict) else None
    if not isinstance(title, str):
        raise Unreadable("it is not an object with a title")
    if not title.startswith(said):
        return Skipped("another kind of activity")
    text, time = title.removeprefix(said).strip(), times.read(value.get("time"))
    device = _device(value.get("details"))
    # An entry has no key of its own. The text is in this one, and becomes a token with it.
    return Record(
        key=hashlib.sha256(
            f"{time.isoformat()} {device} {text}".encode(errors="replace")
        ).hexdigest(),
        time=time,
        device=device,
        text=text,
    )


def _device(details: object) -> str:
    """Return the device of ``details``, such as "From Google Home"."""
    for detail in details if isinstance(details, list) else []:
        name = detail.get("name") if isinstance(detail, dict) else None
        if isinstance(name, str) and name:
            return name[:_LONGEST_DEVICE]
    return "google-assistant"
