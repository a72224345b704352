"""``misfire starter``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from streams.cli.options import Jobs, Json
from streams.cli.output import note, progress_report, table, write_json

app = typer.Typer(no_args_is_help=True, help="Show or train the packaged starter bundle.")


@app.command()
def show(json: Json = None) -> None:
    """Check the starter bundle, and show what it was trained on."""
    import json as reader

    from streams.files.starter import REPORT, STARTER, starter_bundle

    bundle = starter_bundle()
    found = reader.loads(REPORT.read_bytes())
    table(
        f"starter bundle {bundle.version} in {STARTER}",
        ["figure", "value"],
        [
            ["data", found["data"]],
            *[[name, str(value)] for name, value in found["recipe"].items()],
            ["dialects", ", ".join(found["dialects"])],
            ["commands", f"{found['commands']:,}"],
            ["intents", str(len(found["commands_by_intent"]))],
        ],
    )
    write_json(json, found)


@app.command()
def train(
    out: Annotated[
        Path | None,
        typer.Option(help="Directory for the bundle; default: the package itself."),
    ] = None,
    jobs: Jobs = 1,
    json: Json = None,
) -> None:
    """Train the starter bundle from its recipe; the same code gives the same bytes."""
    from streams.cli.parallel import processes
    from streams.files.bundles import write_bundle
    from streams.local.starter import package, run

    begun = perf_counter()
    with progress_report() as shown, processes(jobs) as each:
        bundle, described = run(progress=shown, each=each)
    if out is None:
        package(bundle, described)
    else:
        write_bundle(bundle, out)
    note(
        f"trained starter bundle {bundle.version} on {described['commands']:,} simulated commands "
        f"in {perf_counter() - begun:.0f} s, written to {out or 'the package'}"
    )
    write_json(json, described)
