"""``misfire scan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Jobs, Json, Seed, Stream
from streams.cli.output import console, note, progress_report, write_json

if TYPE_CHECKING:
    from detector.evaluation.scan import Finding


def scan(
    stream: Stream,
    top: Annotated[int, typer.Option(help="Number of chains to list.", min=1)] = 20,
    policy: Annotated[
        Path | None, typer.Option(help="Policy file; default: the packaged one.")
    ] = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """List the chains of a stream that are most likely misfires.

    This needs no labels, bundle or broker: it learns from the stream itself.
    """
    from detector.evaluation.scan import scan as look
    from streams.cli.parallel import processes
    from streams.files.events import read_events
    from streams.files.policy import read_policy

    rules = read_policy(policy)
    events = read_events(stream)
    with progress_report() as report, processes(jobs) as each:
        found = look(events, rules, top=top, seed=seed, progress=report, each=each)
    for number, finding in enumerate(found.findings, 1):
        _print(number, finding)
    note(
        f"{found.commands:,} commands of {found.households:,} households in {found.events:,} "
        f"events; a budget of {found.budget:.0%} would have interrupted {found.touched:.2%} of the "
        "commands"
    )
    write_json(json, found)


def _print(number: int, finding: Finding) -> None:
    steps = " → ".join(f"{step.intent} {step.act} ({step.bits:.1f} bits)" for step in finding.steps)
    expected = ", ".join(
        f"{entry.intent} {entry.act} ({entry.probability:.0%})" for entry in finding.expected
    )
    console().print(
        f"[bold]{number:3d}. {finding.time:%Y-%m-%d %H:%M} "
        f"household {finding.household_id}[/] {finding.intent}"
    )
    note(f"     {steps}")
    note(
        f"     misfire probability {finding.misfire_probability:.2%}, "
        f"among the most suspicious {finding.p_value:.2%} of commands"
    )
    for reason in finding.reasons:
        note(f"     {reason.bits:+.1f} bits: {reason.text}")
    note(f"     expected instead: {expected}")
