"""``misfire gateway``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import AllowUnready, Broker, Bundle, Config


def gateway(
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    allow_unready: AllowUnready = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)
    ] = None,
    deadline_ms: Annotated[
        int | None,
        typer.Option(help="Default deadline of a request in milliseconds.", min=1, max=10_000),
    ] = None,
) -> None:
    """Serve the blocking hook over HTTP.

    Endpoints: POST /v1/decide, /v1/decide/batch, /v1/outcomes and /v1/confirmations/ID; GET
    /v1/late, /healthz, /readyz, /metrics and /docs.
    """
    from streams.gateway.run import run_gateway
    from streams.settings import load
    from streams.telemetry.logs import configure_logs

    configure_logs()
    loaded = load(
        config,
        broker=broker,
        bundle=bundle,
        allow_unready=allow_unready,
        gateway_host=host,
        gateway_port=port,
        deadline_ms=deadline_ms,
    )
    run_gateway(loaded.settings)
