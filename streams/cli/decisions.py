"""``misfire decisions tail``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streams.cli.options import Broker, Config
from streams.cli.output import note

app = typer.Typer(help="Watch the decisions as they are made.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Watch the decisions as they are made."""


@app.command()
def tail(
    config: Config = None,
    broker: Broker = None,
    from_beginning: Annotated[
        bool, typer.Option(help="Begin with the oldest decision that is kept.")
    ] = False,
    lines: Annotated[
        bool,
        typer.Option("--json", help="Print each decision as it is in the log, one JSON object per line."),
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Stop after so many decisions.", min=1)] = None,
) -> None:
    """Print decisions as they are made, until interrupted."""
    from kafka import KafkaConsumer

    from streams.records import DECISION
    from streams.settings import load
    from streams.topics import DECISIONS, admin

    settings = load(config, broker=broker).settings
    admin(settings.broker).close()
    start = "earliest" if from_beginning else "latest"
    consumer = KafkaConsumer(
        DECISIONS, bootstrap_servers=settings.broker, group_id=None, auto_offset_reset=start
    )
    if not lines:
        note(f"decisions on {settings.broker}; stop with Ctrl-C")
    for number, record in enumerate(consumer, 1):
        if lines:
            sys.stdout.write(record.value.decode() + "\n")
            sys.stdout.flush()
        else:
            decision = DECISION.decode(record.value)
            probability = (
                "" if decision.misfire_probability is None else f" misfire {decision.misfire_probability:.4f}"
            )
            why = f": {decision.reasons[0].text}" if decision.reasons else ""
            print(
                f"{decision.verdict:8} {decision.risk_class:17} {decision.intent:32} {decision.surprisal_bits:6.1f} bits{probability}{why}",
                flush=True,
            )
        if number == limit:
            break
    consumer.close()
