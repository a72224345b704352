"""Reading the bundle that decides: it must be ready to enforce, and signed if a key is configured.

Everything whose answers reach a user reads its bundle here. ``--shadow-bundle`` and commands that
only measure read any bundle.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from detector.contracts.errors import UnreadyBundle
from detector.decision.bundle import Bundle
from detector.decision.training_report import OURS
from streams.files.starter import read_deciding

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["check_ready", "read_enforcing", "why_unready"]

logger = logging.getLogger(__name__)


def read_enforcing(
    directory: Path | None, *, allow_unready: bool = False, key: Ed25519PublicKey | None = None
) -> Bundle:
    """Read the bundle in ``deciding_directory(directory)``, whose decisions will be enforced.

    Args:
        directory: the directory, or ``None`` for the usual one.
        allow_unready: accept a bundle that is not ready, and log a warning.
        key: the public key that must have signed the bundle; ``None`` accepts unsigned bundles.

    Raises:
        DependencyUnavailable: there is no bundle.
        UnreadyBundle: its decisions cost more than those of a rule without a model.
        BundleError: the bundle is damaged, or not signed with the key.
    """
    bundle = read_deciding(directory, key=key)
    check_ready(bundle, allow_unready=allow_unready)
    return bundle


def check_ready(bundle: Bundle, *, allow_unready: bool) -> None:
    """Check that a bundle may decide; log a warning if it is not ready but allowed.

    Raises:
        UnreadyBundle: its decisions cost more than those of a rule without a model.
    """
    if not bundle.is_unready:
        return
    why = f"bundle {bundle.version} is not ready to enforce: {why_unready(bundle)}"
    if not allow_unready:
        raise UnreadyBundle(
            f"{why}; compare it in the worker with --shadow-bundle, train it on more households, "
            "or set allow_unready"
        )
    logger.warning("%s; it decides because allow_unready is set", why)


def why_unready(bundle: Bundle) -> str:
    """Return what an unready bundle's decisions cost, beside the rules that cost less."""
    costs = bundle.report.readiness.overall
    cheaper = " and ".join(
        f"{costs[name]:.1f} by the rule '{name}'" for name in bundle.report.readiness.cheaper
    )
    return f"1,000 commands cost {costs[OURS]:.1f} by its decisions, but {cheaper}"
