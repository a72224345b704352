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
    """Serve the desk, where people review decisions, and an HTTP API for the same.

    The desk is at /desk/. Endpoints: /v1/households/ID, its /export and /erasure, /v1/bundles, its
    /promotion and /rollback, /v1/labels, /v1/rules and its /dry-run, /healthz, /docs.
    """
    from streams.desk.run import run_operator
    from streams.settings import load
    from streams.telemetry.logs import configure_logs

    configure_logs()
    run_operator(load(config, broker=broker, operator_host=host, operator_port=port).settings)
