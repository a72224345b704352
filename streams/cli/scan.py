"""``misfire scan``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from streams.cli.options import Bundle, Json
from streams.cli.output import console, note, progress_report, table, write_json
from streams.errors import UsageError
from streams.pages.formats import percent

if TYPE_CHECKING:
    from detector.evaluation.scan import Finding, Scan
    from streams.files.tolerant import TolerantStream


def scan(
    stream: Annotated[
        Path,
        typer.Argument(
            help="Events as JSON lines, plain or .gz, or an embedded hook's household file.",
            metavar="STREAM",
            show_default=False,
        ),
    ],
    bundle: Bundle = None,
    top: Annotated[int, typer.Option(help="Number of chains to list.", min=1, max=1000)] = 20,
    timezone: Annotated[
        str,
        typer.Option(
            help="Time zone of days and hours in the result, such as Europe/Berlin.", metavar="NAME"
        ),
    ] = "UTC",
    html: Annotated[
        Path | None,
        typer.Option(help="Write the result as one HTML page to FILE.", metavar="FILE"),
    ] = None,
    json: Json = None,
) -> None:
    """List the chains of a log that are most likely misfires.

    The log may be that of a single household; it needs no labels. The bundle says what all
    households do, the log what its household does. Bad lines are skipped and listed.
    """
    from detector.evaluation.scan import scan as look
    from streams.files.starter import deciding_directory, read_deciding

    zone, rules, events = _zone(timezone), read_deciding(bundle), _events(stream)
    with progress_report() as report:
        found = look(
            events,
            rules,
            top=top,
            zone=zone,
            progress=lambda stage, done, total: report(stage, done, total or events.expected(done)),
        )
    for number, finding in enumerate(found.findings, 1):
        _print_finding(number, finding, zone)
    _print_summary(found, events)
    if html is not None:
        from streams.cli.scan_page import Source, write_page

        source = Source(stream, deciding_directory(bundle), zone, events.bad, events.listed)
        write_page(html, found, source)
    write_json(
        json,
        asdict(found)
        | {"bad_lines": {"count": events.bad, "listed": [asdict(each) for each in events.listed]}},
    )


def _events(path: Path) -> TolerantStream:
    from streams.files.text import is_sqlite
    from streams.files.tolerant import TolerantStream

    if not is_sqlite(path):
        return TolerantStream(path)
    from streams.embedded.kept_events import KeptEvents

    return KeptEvents(path)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"--timezone {name}: there is no such time zone; write for example Europe/Berlin"
        ) from None


def _print_finding(number: int, finding: Finding, zone: ZoneInfo) -> None:
    from rich.text import Text

    heading = Text(
        f"{number:3d}. {finding.time.astimezone(zone):%Y-%m-%d %H:%M} "
        f"household {finding.household_id} {finding.intent}",
        style="bold",
    )
    console().print(heading)
    steps = " → ".join(f"{step.intent} {step.act} ({step.bits:.1f} bits)" for step in finding.steps)
    note(f"     {steps}")
    likely = f"     misfire probability {percent(finding.misfire_probability)}"
    if (after := finding.afterwards) is not None:
        known = percent(after.misfire_probability)
        likely += f", {known} with what came after (sessions: {after.sessions})"
    note(f"{likely}; verdict {finding.verdict}")
    for reason in finding.reasons:
        note(f"     {reason.bits:+.1f} bits: {reason.text}")
    expected = ", ".join(
        f"{entry.intent} {entry.act} ({entry.probability:.0%})" for entry in finding.expected
    )
    note(f"     expected instead: {expected}")


def _print_summary(found: Scan, events: TolerantStream) -> None:
    if found.commands:
        table(
            "What the bundle would have decided",
            ["risk class", "commands", "allow", "confirm", "block"],
            [
                [
                    risk,
                    *(
                        f"{count:,}"
                        for count in (
                            each.commands,
                            each.commands - each.interrupted,
                            each.confirm,
                            each.block,
                        )
                    ),
                ]
                for risk, each in found.classes.items()
            ],
        )
    note(
        f"Commands: {found.commands:,}; households: {found.households:,}; days: {found.days:,}; "
        f"events: {found.events:,}; bundle: {found.bundle}"
    )
    for warning in found.thin:
        note(f"Note: {warning}")
    if events.bad:
        were = "line was" if events.bad == 1 else "lines were"
        note(f"{events.bad:,} bad {were} skipped:")
        for each in events.listed:
            note(f"     line {each.line}: {each.problem}")
