"""Starting the gateway: the bundle, the port, the server."""

from __future__ import annotations

import logging
import socket

import uvicorn

from detector.bundle import Bundle
from detector.policy import Policy
from streams import metrics
from streams.bundles import read_bundle, read_policy
from streams.errors import MissingPart
from streams.hook.gateway import build_gateway
from streams.hook.ladder import Ladder
from streams.settings import Settings

__all__ = ["run_gateway"]

logger = logging.getLogger(__name__)


def run_gateway(settings: Settings) -> None:
    """Serve the hook until told to stop.

    Raises:
        MissingPart: the port is taken.
        BundleError: the bundle is damaged. A bundle that is not there is no reason not to start: the policy answers then.
    """
    policy, bundle = _what_decides(settings)
    try:
        listening = socket.create_server((settings.gateway_host, settings.gateway_port))
    except OSError as error:
        raise MissingPart(
            f"{settings.gateway_host}:{settings.gateway_port} cannot be listened on ({error.strerror}); name another port with --port"
        ) from error
    logger.info("the hook listens on http://%s:%d", *listening.getsockname()[:2])
    config = uvicorn.Config(
        build_gateway(settings, Ladder(policy, bundle)),
        loop="uvloop",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _what_decides(settings: Settings) -> tuple[Policy, Bundle | None]:
    try:
        bundle = read_bundle(settings.bundle)
    except MissingPart as error:
        logger.warning("%s; until then the policy's fallbacks answer", error)
        return read_policy(settings.policy), None
    metrics.BUNDLE.labels(bundle.version, bundle.policy.version).set(1)
    return bundle.policy, bundle
