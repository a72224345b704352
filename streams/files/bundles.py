"""Bundles on disk: a directory of files, and a manifest with the hash of each file.

The same bundle gives the same bytes. ``signing.py`` signs the manifest.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detector.contracts.errors import BundleError
from detector.decision.bundle import (
    FORMAT,
    LARGEST,
    LARGEST_BUNDLE,
    Bundle,
    bundle_from_files,
    bundle_to_files,
)
from streams.errors import DependencyUnavailable, RecordError
from streams.files.atomic import existing_folder, write_folder, write_whole
from streams.files.bundle_names import MANIFEST, SIGNATURE
from streams.files.text import read_small
from streams.wire.strict_json import check_unambiguous

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = [
    "LARGEST_BUNDLE",
    "MANIFEST",
    "SIGNATURE",
    "created_at",
    "manifest_digest",
    "read_bundle",
    "refuse_occupied",
    "sign_bundle",
    "write_bundle",
]

#: Largest manifest in bytes; a usual one has 600.
_LARGEST_MANIFEST = 1 << 16


class _Entry(BaseModel):
    """A file's entry in the manifest."""

    model_config = ConfigDict(strict=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0, le=LARGEST_BUNDLE)]


class _Manifest(BaseModel):
    """A bundle's manifest. Version 0.1.0 wrote the time of its creation into it."""

    model_config = ConfigDict(strict=True)

    format: Annotated[int, Field(ge=1, le=1_000)]
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    created: Annotated[str, Field(max_length=64)] = ""
    files: dict[str, _Entry]


def refuse_occupied(directory: Path) -> None:
    """Refuse a path that a bundle cannot be written to; call this before a long training.

    Raises:
        DependencyUnavailable: the path contains something that is not a bundle.
    """
    if directory.is_file() or _has_other_content(directory):
        raise DependencyUnavailable(
            f"{directory} exists and is not a bundle; name another directory with --out"
        )


def write_bundle(bundle: Bundle, directory: Path) -> None:
    """Write a bundle as a directory, atomically; an existing bundle is replaced.

    Raises:
        DependencyUnavailable: the directory cannot be written, or is not a bundle.
    """
    refuse_occupied(directory)
    files = bundle_to_files(bundle)
    manifest = _Manifest(
        format=FORMAT,
        version=bundle.version,
        files={
            name: _Entry(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
            for name, data in files.items()
        },
    )
    try:
        write_folder(
            directory,
            files
            | {MANIFEST: manifest.model_dump_json(indent=2, exclude={"created"}).encode() + b"\n"},
        )
    except OSError as error:
        raise DependencyUnavailable(
            f"the bundle cannot be written to {directory}: {error.strerror or error}"
        ) from error


def sign_bundle(directory: Path, key: Ed25519PrivateKey) -> None:
    """Sign a bundle that can be read, and replace its signature if it has one.

    Raises:
        DependencyUnavailable: there is no bundle, or its directory cannot be written.
        BundleError: a file is missing or differs from the manifest.
    """
    # With its library, signing takes 12 MB, also in a process that reads an unsigned bundle.
    from streams.files.signing import signature_of  # noqa: PLC0415 - as above

    read_bundle(directory)
    place = existing_folder(directory)
    try:
        write_whole(place / SIGNATURE, signature_of(_manifest_bytes(place), key))
    except OSError as error:
        raise DependencyUnavailable(
            f"the signature cannot be written to {directory}: {error.strerror or error}"
        ) from error


def manifest_digest(directory: Path) -> str:
    """Return the SHA-256 of a bundle's manifest, which contains the hash of every file.

    Raises:
        BundleError: the manifest cannot be read.
    """
    return hashlib.sha256(_manifest_bytes(existing_folder(directory))).hexdigest()


def read_bundle(
    directory: Path, *, key: Ed25519PublicKey | None = None, sha256: str | None = None
) -> Bundle:
    """Read a bundle and verify it against its manifest.

    Args:
        directory: the bundle's directory.
        key: the public key that must have signed it; ``None`` accepts unsigned bundles.
        sha256: the ``manifest_digest`` that it must have; ``None`` accepts any.

    Raises:
        DependencyUnavailable: there is no bundle.
        BundleError: a file is missing or differs from the manifest, or the signature is missing or
            wrong.
    """
    place = existing_folder(directory)
    if not (place / MANIFEST).is_file():
        raise DependencyUnavailable(
            f"there is no bundle in {directory};"
            f" make one with 'misfire train STREAM --out {directory}'"
        )
    written = _manifest_bytes(place)
    if sha256 not in {None, hashlib.sha256(written).hexdigest()}:
        raise BundleError(
            f"the bundle in {directory} is not the one that was announced (its manifest has another"
            " sha256); put the announced one back, or announce this one"
        )
    if key is not None:
        from streams.files.signing import check_signature  # noqa: PLC0415 - as in sign_bundle

        check_signature(place, written, key)
    manifest = _manifest(place, written)
    if manifest.format != FORMAT:
        raise BundleError(
            f"the bundle in {directory} has format {manifest.format}, but this version reads format"
            f" {FORMAT}; train it again with 'misfire train'"
        )
    if unknown := sorted(manifest.files.keys() - LARGEST.keys()):
        raise BundleError(
            f"the manifest in {directory} names a file that no bundle has ({unknown[0][:40]!r});"
            " do not use it"
        )
    bundle = bundle_from_files(
        {name: _content(place / name, entry) for name, entry in manifest.files.items()}
    )
    if bundle.version != manifest.version:
        raise BundleError(
            f"the bundle in {directory} is not the version that its manifest names; copy it again"
        )
    return bundle


def created_at(directory: Path) -> float:
    """Return the creation time of a bundle in seconds since the epoch.

    It is the modification time of the manifest, unless the manifest names a time.
    """
    place = existing_folder(directory)
    try:
        created = _manifest(place, _manifest_bytes(place)).created
        return datetime.fromisoformat(created).timestamp()
    except (ValueError, OverflowError):  # BundleError is a ValueError
        return (place / MANIFEST).stat().st_mtime


def _manifest_bytes(place: Path) -> bytes:
    try:
        return read_small(place / MANIFEST, _LARGEST_MANIFEST)
    except OSError as error:
        raise _unreadable(place, str(error)) from error


def _manifest(place: Path, data: bytes) -> _Manifest:
    """Parse a manifest.

    Raises:
        BundleError: the manifest is invalid.
    """
    try:
        check_unambiguous(data)
        return _Manifest.model_validate_json(data)
    except ValidationError as error:
        wrong = ", ".join(
            sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        )
        raise _unreadable(place, f"{wrong[:100] or 'the value'} cannot be used") from error
    except RecordError as error:
        raise _unreadable(place, str(error)) from error


def _unreadable(place: Path, why: str) -> BundleError:
    return BundleError(
        f"the manifest of the bundle in {place} cannot be read ({why});"
        " train it again with 'misfire train'"
    )


def _has_other_content(directory: Path) -> bool:
    return directory.is_dir() and not (directory / MANIFEST).is_file() and any(directory.iterdir())


def _content(path: Path, entry: _Entry) -> bytes:
    """Return the content of a file.

    Raises:
        BundleError: it differs from the manifest.
    """
    try:
        data = read_small(path, min(entry.bytes, LARGEST[path.name]))
    except OSError:
        data = b""
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BundleError(
            f"{path} is missing or damaged (its sha256 is not the manifest's);"
            " copy the bundle again or train a new one"
        )
    return data
