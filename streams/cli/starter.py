"""``misfire starter``."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from streams.cli.options import Jobs, Json
from streams.cli.output import note, progress_report, table, write_json
from streams.cli.training_report import show_report

app = typer.Typer(no_args_is_help=True, help="Show or train the packaged starter bundle.")


@app.command()
def show(json: Json = None) -> None:
    """Check the starter bundle against its hash, and show what it was trained on.

    Exit code 3 if it is not the one that this version was released with.
    """
    import json as reader

    from streams.files.starter import REPORT, STARTER, starter_bundle
    from streams.files.starter.digest import SHA256

    bundle = starter_bundle()
    found = reader.loads(REPORT.read_bytes())
    table(
        f"starter bundle {bundle.version} in {STARTER}",
        ["figure", "value"],
        [
            ["sha256 of the manifest", SHA256],
            *[[name, str(value)] for name, value in found["recipe"].items()],
            ["dialects", ", ".join(found["dialects"])],
            ["commands", f"{found['commands']:,}"],
            ["intents", str(len(found["commands_by_intent"]))],
        ],
    )
    show_report(bundle.report)
    write_json(json, found | {"sha256": SHA256, "may_enforce": not bundle.is_unready})


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
