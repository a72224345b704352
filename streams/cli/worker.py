"""``misfire worker``."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.options import Broker, Bundle, Config
from streams.cli.output import note


def worker(
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    port: Annotated[
        int | None, typer.Option(help="Loopback port of /metrics, /healthz and /readyz.", min=0, max=65_535)
    ] = None,
) -> None:
    """Decide on the events of assistant.intents, each household's in order. Run as many as there are partitions."""
    from streams.bundles import read_bundle
    from streams.settings import load
    from streams.worker import run_worker

    settings = load(config, broker=broker, bundle=bundle, worker_port=port).settings
    chosen = read_bundle(settings.bundle)
    note(f"worker of group {settings.group} on {settings.broker}, bundle {chosen.version}")
    run_worker(settings, chosen)
