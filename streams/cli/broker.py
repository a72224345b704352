"""``misfire broker``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.output import note


def broker(
    port: Annotated[
        int, typer.Option(help="Loopback port; 0 picks a free one.", min=0, max=65_535)
    ] = 9092,
) -> None:
    """Run the embedded broker until it is interrupted.

    It stores records in memory only, and they are lost when it stops.
    """
    from streams.local.embedded_broker import EmbeddedBroker

    with EmbeddedBroker(port) as running:
        note(
            f"the embedded broker listens on {running.bootstrap} (memory only); stop it with Ctrl-C"
        )
        if running.process is not None:
            running.process.wait()
    note("the embedded broker ended unexpectedly")
    raise typer.Exit(3)
