"""``misfire simulate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json, Misfires, Seed, Severity, mixture_of
from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError


class Style(StrEnum):
    """How simulated households speak."""

    DIALOGUE = "dialogue"
    ONE_SHOT = "one-shot"


def simulate(
    out: Annotated[Path, typer.Option(help="File to write the stream to; .gz compresses it.")],
    households: Annotated[int, typer.Option(help="Number of households.", min=1)] = 120,
    days: Annotated[int, typer.Option(help="Number of days.", min=1)] = 30,
    style: Annotated[
        Style,
        typer.Option(
            help="How households speak: in dialogues, or in one-shot commands under the names of "
            "several runtimes, such as Home Assistant's intents."
        ),
    ] = Style.DIALOGUE,
    misfire_rate: Annotated[
        float,
        typer.Option(
            help="Share of sessions with a misfire in the second half of each history.",
            min=0.0,
            max=1.0,
        ),
    ] = 0.0,
    labels: Annotated[Path | None, typer.Option(help="File for the misfires' labels.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    kind: Misfires = None,
    severity: Severity = 0.5,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Write a stream of simulated households, with or without misfires."""
    from detector.simulation.households import simulate as dialogues
    from detector.simulation.households import with_misfires
    from detector.simulation.households.one_shot import simulate_homes
    from streams.files.events import write_events, write_labels
    from streams.files.policy import read_policy

    mixture = mixture_of(kind, severity)
    there = [path for path in (out, labels) if path is not None and path.exists()]
    if there and not force:
        raise UsageError(
            f"{' and '.join(map(str, there))} already exists; "
            "overwrite with --force, or choose another file"
        )
    if misfire_rate and labels is None:
        raise UsageError("misfires need labels to be identified; give a file with --labels")
    if labels is not None and labels.resolve() == out.resolve():
        raise UsageError(
            f"{out} cannot be both the stream and the labels; choose another file with --labels"
        )
    run = dialogues if style is Style.DIALOGUE else simulate_homes
    with progress_report() as report:
        simulation = run(households, days, seed=seed, progress=report)
    events, marked = with_misfires(
        simulation,
        rate=misfire_rate,
        seed=seed,
        mixture=mixture,
        is_risky=read_policy(None).is_harmful,
    )
    write_events(out, events)
    if labels is not None:
        write_labels(labels, marked)
    misfires = len({chain for _, _, chain in marked})
    note(
        f"wrote {len(events):,} events of {households} households over {days} days, "
        f"including {misfires} misfires, to {out}"
    )
    write_json(
        json,
        {
            "events": len(events),
            "households": households,
            "days": days,
            "misfires": misfires,
            "seed": seed,
        },
    )
