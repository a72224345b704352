"""Starts the gateway: bundle, port and server."""

from __future__ import annotations

import logging

from detector.contracts.errors import BundleError, UnreadyBundle
from streams.errors import DependencyUnavailable
from streams.files.bundles import created_at
from streams.files.enforcing import read_enforcing
from streams.files.policy import read_policy
from streams.files.signing import read_public_key
from streams.files.starter import deciding_directory
from streams.gateway.degraded_reasons import LOWER_RUNGS
from streams.gateway.ladder import Ladder
from streams.gateway.routes import build_gateway
from streams.lifecycle.library import Library, reference_to
from streams.serving.access.guard import REFUSALS, Guard
from streams.serving.access.listening import check_edge, listen, server_options
from streams.serving.protocol import CUTS
from streams.serving.server import Server
from streams.settings import Settings
from streams.telemetry.metrics_folder import forget_dead_processes
from streams.telemetry.recording import begin_gateway, show_bundle

__all__ = ["run_gateway"]

logger = logging.getLogger(__name__)


def run_gateway(settings: Settings) -> None:
    """Serve the hook until a signal arrives.

    Raises:
        DependencyUnavailable: the port is taken, or a certificate, a key or the access file is
            missing.
        UnreadyBundle: the bundle is not ready to enforce.
        UsageError: the gateway would be open to a network.
    """
    forget_dead_processes()
    check_edge(settings)
    tls = server_options(settings)
    guard = Guard(settings.access_file)
    begin_gateway(LOWER_RUNGS, REFUSALS, CUTS)
    ladder, place = _ladder(settings), deciding_directory(settings.bundle)
    listening = listen(settings.gateway_host, settings.gateway_port)
    logger.info(
        "the hook listens on %s://%s:%d", "https" if tls else "http", *listening.getsockname()[:2]
    )
    library = Library(
        ladder.bundle,
        None if ladder.bundle is None else reference_to(place, ladder.bundle),
        key=read_public_key(settings.bundle_public_key),
        allow_unready=settings.allow_unready,
    )
    Server(build_gateway(settings, ladder, guard, library), listening, tls).serve_until_stopped()


def _ladder(settings: Settings) -> Ladder:
    """Return the ladder, without the gateway's rung if the bundle cannot be read.

    Workers have their own bundles and still decide.
    """
    key = read_public_key(settings.bundle_public_key)
    try:
        bundle = read_enforcing(settings.bundle, allow_unready=settings.allow_unready, key=key)
    except UnreadyBundle:
        raise
    except (DependencyUnavailable, BundleError) as error:
        # The error's sentence is enough; its traceback is not.
        logger.error(  # noqa: TRY400
            "%s; until it is repaired the policy's fallbacks apply when no worker answers", error
        )
        why_no_bundle = (
            "no_bundle" if isinstance(error, DependencyUnavailable) else "bundle_damaged"
        )
        policy = read_policy(settings.policy)
        return Ladder(policy, None, places=settings.max_waiting, why_no_bundle=why_no_bundle)
    show_bundle(bundle, created_at(deciding_directory(settings.bundle)))
    return Ladder(bundle.policy, bundle, places=settings.max_waiting)
