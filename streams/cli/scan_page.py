"""The result of ``misfire scan`` as one HTML page, which loads nothing and runs no script."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files
from pathlib import Path

from detector.evaluation.scan import Finding, Scan
from streams.errors import DependencyUnavailable
from streams.files.atomic import write_whole
from streams.files.tolerant import BadLine
from streams.pages.environment import page_environment
from streams.pages.week import week_rows

__all__ = ["draw_page", "write_page"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a result comes from: the log, the bundle's directory and the skipped lines."""

    stream: Path
    bundle: Path
    zone: tzinfo
    bad: int
    listed: Sequence[BadLine]


def write_page(path: Path, found: Scan, source: Source) -> None:
    """Write the page.

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    try:
        write_whole(path, draw_page(found, source).encode())
    except OSError as error:
        raise DependencyUnavailable(
            f"the page cannot be written to {path}: {error.strerror or error}"
        ) from error


def draw_page(found: Scan, source: Source) -> str:
    """Return the page. Every value is escaped, whatever the log contains."""
    template = files("streams.cli").joinpath("scan_page.html").read_text("utf-8")
    return (
        page_environment()
        .from_string(template)
        .render(
            found=found,
            source=source,
            week=week_rows(found.week),
            findings=[(finding, _label(finding)) for finding in found.findings],
            rarest=max((step.bits for each in found.findings for step in each.steps), default=1.0),
            evaluate=_command(source),
            local=lambda time: time.astimezone(source.zone),
            zone=str(source.zone),
        )
    )


def _label(finding: Finding) -> str:
    """Return the line of a labels file that says that the chain was not meant."""
    return json.dumps(
        {"event_id": finding.event_id, "label": "unmeant", "chain_id": finding.event_id}
    )


def _command(source: Source) -> str:
    stream, bundle = shlex.quote(str(source.stream)), shlex.quote(str(source.bundle))
    return f"misfire evaluate --stream {stream} --labels labels.jsonl --bundle {bundle}"
