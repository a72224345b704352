"""Helpers of the importers' tests: samples, and what a reader yields."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from streams.files.importers.records import Fault, Found, Record, Skipped

__all__ = ["SAMPLES", "database", "faults", "records", "silent", "skipped"]

SAMPLES = Path(__file__).with_name("samples")


def silent(done: int, total: int) -> None:
    """Ignore the progress."""


def database(folder: Path, script: str) -> Path:
    """Make the database of a sample."""
    path = folder / "home-assistant_v2.db"
    with closing(sqlite3.connect(path)) as made:
        made.executescript((SAMPLES / script).read_text("utf-8"))
    return path


def records(found: Iterable[Found]) -> list[Record]:
    """Return the records, and check that there is nothing else."""
    listed = list(found)
    assert [each for each in listed if isinstance(each, Fault)] == []
    return [each for each in listed if isinstance(each, Record)]


def faults(found: Iterable[Found]) -> list[tuple[str, str]]:
    """Return place and reason of the faults."""
    return [(each.place, each.reason) for each in found if isinstance(each, Fault)]


def skipped(found: Iterable[Found]) -> list[str]:
    """Return the reasons of what was skipped."""
    return [each.reason for each in found if isinstance(each, Skipped)]
