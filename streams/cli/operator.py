"""``misfire operator``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Config


def operator(
    config: Config = None,
    broker: Broker = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)
    ] = None,
) -> None:
    """Serve an HTTP API to show, export and erase households.

    Endpoints: /v1/households/ID, its /export and /erasure, /healthz, /docs.
    """
    from streams.privacy.run import run_operator
    from streams.settings import load
    from streams.telemetry.logs import configure_logs

    configure_logs()
    run_operator(load(config, broker=broker, operator_host=host, operator_port=port).settings)
