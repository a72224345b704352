"""Reading the bundle that decides: it must be ready to enforce, or be allowed not to be.

Everything whose answers reach a user reads its bundle here. ``--shadow-bundle`` and commands that
only measure read any bundle.
"""

from __future__ import annotations

import logging
from pathlib import Path

from detector.contracts.errors import UnreadyBundle
from detector.decision.bundle import Bundle
from detector.decision.training_report import OURS
from streams.files.starter import deciding_directory, read_deciding

__all__ = ["read_enforcing", "why_unready"]

logger = logging.getLogger(__name__)


def read_enforcing(directory: Path | None, *, allow_unready: bool = False) -> Bundle:
    """Read the bundle in ``deciding_directory(directory)``, whose decisions will be enforced.

    Args:
        directory: the directory, or ``None`` for the usual one.
        allow_unready: accept a bundle that is not ready, and log a warning.

    Raises:
        DependencyUnavailable: there is no bundle.
        UnreadyBundle: its decisions cost more than those of a rule without a model.
        BundleError: the bundle is damaged.
    """
    bundle, found = read_deciding(directory), deciding_directory(directory)
    if bundle.is_unready:
        why = f"bundle {bundle.version} in {found} is not ready to enforce: {why_unready(bundle)}"
        if not allow_unready:
            raise UnreadyBundle(
                f"{why}; try it with --shadow-bundle, train it on more households, or accept it "
                "with --allow-unready"
            )
        logger.warning("%s; it decides because allow_unready is set", why)
    return bundle


def why_unready(bundle: Bundle) -> str:
    """Return what an unready bundle's decisions cost, beside the rules that cost less."""
    costs = bundle.report.readiness.overall
    cheaper = " and ".join(
        f"{costs[name]:.1f} by the rule '{name}'" for name in bundle.report.readiness.cheaper
    )
    return f"1,000 commands cost {costs[OURS]:.1f} by its decisions, but {cheaper}"
