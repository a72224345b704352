"""The announced bundles that a process has read from disk, and those that it cannot use."""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from detector.contracts.errors import BundleError
from detector.decision.bundle import Bundle
from streams.errors import DependencyUnavailable
from streams.files.bundles import SIGNATURE, created_at, manifest_digest, read_bundle
from streams.files.enforcing import check_ready
from streams.wire.announcements import Announcement, BundleReference

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Library", "read_reference", "reference_to"]

logger = logging.getLogger(__name__)

#: Bundles kept in memory, the latest used: the active one, the one before, a canary and shadows. A
#: bundle takes a few megabytes.
_KEPT = 6


def read_reference(reference: BundleReference, key: Ed25519PublicKey | None = None) -> Bundle:
    """Read an announced bundle.

    Raises:
        DependencyUnavailable: there is no bundle at its location.
        BundleError: it is damaged, is not the announced one, or is not signed with the key.
    """
    bundle = read_bundle(Path(reference.location), key=key, sha256=reference.sha256)
    if bundle.version != reference.version:
        raise BundleError(
            f"the bundle in {reference.location} is version {bundle.version}, "
            f"not {reference.version} as announced"
        )
    return bundle


class Library:
    """Reads bundles once and remembers failures until ``retry``; safe in several threads.

    Args:
        own: the bundle that the process was started with, if it has one.
        reference: where the own bundle is, if other processes must be able to read it.
        key: the public key that must have signed every other bundle.
        allow_unready: accept bundles that are not ready to enforce.
    """

    def __init__(
        self,
        own: Bundle | None,
        reference: BundleReference | None = None,
        *,
        key: Ed25519PublicKey | None = None,
        allow_unready: bool = False,
    ) -> None:
        self.own = own
        self._own_reference = reference
        self._key = key
        self._allow_unready = allow_unready
        self._loaded: OrderedDict[str, tuple[BundleReference, Bundle]] = OrderedDict()
        self._created: dict[str, float] = {}
        self._refused: dict[str, tuple[Announcement, str]] = {}

    def get(self, each: Announcement) -> Bundle | None:
        """Return an announcement's bundle, reading it if necessary; ``None`` if it is refused."""
        if each.bundle is None:
            return self.own
        found = self._loaded.get(each.bundle.sha256)
        if found is not None:
            return found[1]
        return None if each.bundle.sha256 in self._refused else self._read(each, each.bundle)

    def why_refused(self, each: Announcement) -> str | None:
        """Return why an announcement's bundle cannot be used, or ``None``."""
        found = None if each.bundle is None else self._refused.get(each.bundle.sha256)
        return None if found is None else found[1]

    def of(self, version: str) -> Bundle | None:
        """Return a bundle in memory by its version."""
        return next((each for each in self.loaded() if each.version == version), None)

    def reference(self, bundle: Bundle) -> BundleReference | None:
        """Return where a bundle in memory was read, or ``None`` if that is not known."""
        if bundle is self.own:
            return self._own_reference
        return next((where for where, each in [*self._loaded.values()] if each is bundle), None)

    def loaded(self) -> list[Bundle]:
        """Return every bundle in memory."""
        return [
            *([] if self.own is None else [self.own]),
            *(bundle for _, bundle in [*self._loaded.values()]),
        ]

    def created(self, bundle: Bundle) -> float:
        """Return when a bundle in memory was created, in seconds since 1970; 0 if not known."""
        where = self.reference(bundle)
        if where is None:
            return 0.0
        if where.sha256 not in self._created:
            try:
                self._created[where.sha256] = created_at(Path(where.location))
            except (DependencyUnavailable, OSError):  # its directory is gone
                self._created[where.sha256] = 0.0
        return self._created[where.sha256]

    def retry(self) -> None:
        """Read the refused bundles again; this takes a moment."""
        for each, _ in [*self._refused.values()]:
            if each.bundle is not None:
                self._read(each, each.bundle)

    def _read(self, each: Announcement, reference: BundleReference) -> Bundle | None:
        try:
            bundle = read_reference(reference, self._key)
            check_ready(bundle, allow_unready=self._allow_unready or bool(each.forced))
        except (DependencyUnavailable, BundleError, OSError) as error:
            if self.why_refused(each) != str(error):
                logger.error(  # noqa: TRY400 - the sentence is enough
                    "bundle %s of announcement %d cannot be used; the one before it stays: %s",
                    reference.version,
                    each.number,
                    error,
                )
            self._refused[reference.sha256] = each, str(error)
            return None
        # In two steps, so that another thread always finds it in one of them.
        self._loaded[reference.sha256] = reference, bundle
        self._refused.pop(reference.sha256, None)
        while len(self._loaded) > _KEPT:
            self._loaded.popitem(last=False)
        logger.info("bundle %s is read from %s", bundle.version, reference.location)
        return bundle


def reference_to(directory: Path, bundle: Bundle) -> BundleReference:
    """Return the reference to a bundle that was read from a directory.

    Raises:
        BundleError: its manifest cannot be read.
    """
    place = directory.resolve()
    return BundleReference(
        version=bundle.version,
        location=str(place),
        sha256=manifest_digest(place),
        signed=(place / SIGNATURE).is_file(),
    )
