"""``misfire worker``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import AllowUnready, Broker, Bundle, Config

logger = logging.getLogger(__name__)


def worker(
    config: Config = None,
    broker: Broker = None,
    bundle: Bundle = None,
    shadow_bundle: Annotated[
        Path | None,
        typer.Option(
            help="Directory of a bundle whose decisions are computed for comparison only."
        ),
    ] = None,
    allow_unready: AllowUnready = None,
    port: Annotated[
        int | None,
        typer.Option(help="Loopback port of /metrics, /healthz and /readyz.", min=0, max=65_535),
    ] = None,
) -> None:
    """Decide the events of assistant.intents, in order within each household.

    Up to as many workers as there are partitions share the work.
    """
    from streams.files.bundles import read_bundle
    from streams.files.enforcing import read_enforcing
    from streams.files.signing import read_public_key
    from streams.files.starter import deciding_directory
    from streams.settings import load
    from streams.telemetry.logs import configure_logs
    from streams.worker.run import run_worker

    configure_logs()
    settings = load(
        config,
        broker=broker,
        bundle=bundle,
        shadow_bundle=shadow_bundle,
        allow_unready=allow_unready,
        worker_port=port,
    ).settings
    key = read_public_key(settings.bundle_public_key)
    chosen = read_enforcing(settings.bundle, allow_unready=settings.allow_unready, key=key)
    logger.info(
        "worker of group %s on %s, bundle %s in %s",
        settings.group,
        settings.broker,
        chosen.version,
        deciding_directory(settings.bundle),
    )
    shadow = read_bundle(settings.shadow_bundle, key=key) if settings.shadow_bundle else None
    if shadow:
        logger.info("shadow bundle %s decides for comparison", shadow.version)
    run_worker(settings, chosen, shadow)
