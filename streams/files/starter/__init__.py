"""The starter bundle: trained on simulated homes, it decides until there is a bundle of one's own.

``misfire starter train`` trains it again. ``bundle/`` beside this file is its output, and
``report.json`` says what it was trained on. ``README.md`` states its version, hash and figures.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from detector.contracts.errors import BundleError
from detector.decision.bundle import Bundle
from streams.files.bundles import MANIFEST, read_bundle
from streams.files.starter.digest import SHA256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = [
    "DIGEST",
    "PAGE",
    "REPORT",
    "STARTER",
    "deciding_directory",
    "read_deciding",
    "starter_bundle",
]

STARTER = Path(__file__).with_name("bundle")
REPORT = Path(__file__).with_name("report.json")
PAGE = Path(__file__).with_name("README.md")
DIGEST = Path(__file__).with_name("digest.py")
#: The directory that commands read when no other is named.
_USUAL = Path("bundle")


def starter_bundle() -> Bundle:
    """Read the starter bundle.

    Raises:
        DependencyUnavailable: the installation lacks it.
        BundleError: it is not the one that this version was released with.
    """
    bundle = read_bundle(STARTER)
    # The manifest contains the hash of every file, and the files were compared with it.
    if hashlib.sha256((STARTER / MANIFEST).read_bytes()).hexdigest() != SHA256:
        raise BundleError(
            f"the starter bundle in {STARTER} was changed after installation; install misfire again"
        )
    return bundle


def deciding_directory(directory: Path | None) -> Path:
    """Return the directory of the bundle that decides.

    It is the one given, else ``./bundle`` if that exists, else the starter bundle.
    """
    if directory is not None:
        return directory
    return _USUAL if _USUAL.is_dir() else STARTER


def read_deciding(directory: Path | None, *, key: Ed25519PublicKey | None = None) -> Bundle:
    """Read the bundle in ``deciding_directory(directory)``.

    ``key`` is the public key that must have signed it; the starter bundle is not signed.

    Raises:
        DependencyUnavailable: there is no bundle.
        BundleError: the bundle is damaged, or not signed with ``key``.
    """
    found = deciding_directory(directory)
    return starter_bundle() if found == STARTER and key is None else read_bundle(found, key=key)
