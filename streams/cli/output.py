"""Output of commands: tables and progress bars for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.errors import DependencyUnavailable
from streams.files.atomic import write_whole

if TYPE_CHECKING:
    from rich.console import Console

    from detector.progress import Progress as Report

__all__ = ["console", "note", "progress_report", "table", "write_json"]


# rich and pydantic are imported where they are used: they take longer than 'misfire --help'.
@cache
def console() -> Console:
    """Return the console on standard error; standard output is reserved for JSON."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """Print one sentence."""
    console().print(text, markup=False)


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table. Square brackets in a cell are text, not rich's markup."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    console().print(drawn)


@contextmanager
def progress_report() -> Iterator[Report]:
    """Show a progress bar for each stage of a long task; yield ``report(stage, done, total)``.

    A total of 0 means that it is unknown.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("remaining"),
    )
    with Progress(*columns, console=console(), transient=False) as bars:
        stages: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total or None)
            bars.update(stages[stage], completed=done, total=total or None)

        yield report


def write_json(path: str | None, value: Any) -> None:
    """Write ``value`` as JSON to a file, to standard output (``-``), or not at all (``None``).

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    if not path:
        return
    from pydantic_core import to_jsonable_python

    plain = to_jsonable_python(
        asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    )
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    try:
        write_whole(Path(path), text.encode())
    except OSError as error:
        raise DependencyUnavailable(
            f"the JSON cannot be written to {path}: {error.strerror or error}"
        ) from error
