"""``misfire drift``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Broker, Bundle, Config, Json, Seed, reachable_brokers, seconds_of
from streams.cli.output import note, progress_report, table, write_json

if TYPE_CHECKING:
    from detector.evaluation.drift_report import Drift

#: Evidence terms to print, those with the most drift first.
_TERMS = 10


def drift(
    since: Annotated[str, typer.Option(help="Period to compare: the last 7d, 12h or 90m.")] = "7d",
    most_households: Annotated[
        int,
        typer.Option(help="Households to replay; a hash of the id selects them.", min=1),
    ] = 500,
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Compare the latest meant commands in the log with what the bundle was trained on.

    Evidence, the mix of domains, the hours of use, new intents and the season are compared. Exit
    code 1 if the bundle should be trained again.
    """
    from dataclasses import asdict

    from streams.files.starter import read_deciding
    from streams.lifecycle.drift import measure_drift
    from streams.lifecycle.promotion import active_bundle
    from streams.settings import load

    seconds = seconds_of("--since", since)
    settings = load(config, broker=broker, bundle=bundle).settings
    active = active_bundle(settings) if bundle is None else read_deciding(settings.bundle)
    now = time.time()
    with progress_report() as report:
        found = measure_drift(
            reachable_brokers(config, broker),
            active,
            since=now - seconds,
            now=datetime.fromtimestamp(now, UTC),
            most_households=most_households,
            seed=seed,
            progress=report,
        )
    _show(found, active.version, since)
    write_json(json, {"bundle": active.version, "reasons": found.reasons} | asdict(found))
    if found.reasons:
        raise typer.Exit(1)


def _show(found: Drift, version: str, since: str) -> None:
    from detector.evaluation.drift_report import FEWEST_COMMANDS

    rows = [
        ["mix of domains", "-" if found.domains is None else f"{found.domains:.3f}"],
        ["hours of use", "-" if found.hours is None else f"{found.hours:.3f}"],
        *(
            [f"evidence: {name}", f"{index:.3f}"]
            for name, index in sorted(found.evidence.items(), key=lambda each: -each[1])[:_TERMS]
        ),
    ]
    table(
        f"drift from bundle {version} in the last {since}, as stability index\n"
        f"({found.commands:,} commands of {found.events:,} events)",
        ["what", "index"],
        rows,
    )
    for intent, number in [*found.new_intents.items()][:_TERMS]:
        note(f"unknown intent {intent}: {number:,} commands")
    if found.commands < FEWEST_COMMANDS:
        note(f"too little data: a comparison needs {FEWEST_COMMANDS} commands")
    elif not found.reasons:
        note("no reason to train again")
    for each in found.reasons:
        note(f"train again: {each}")
