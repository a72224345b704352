"""Bundles on disk: a directory of files and a manifest with the hash of each."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

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
from streams.files.atomic import standing_folder, write_folder
from streams.files.text import read_small
from streams.wire.strict_json import check_unambiguous

__all__ = ["LARGEST_BUNDLE", "created_at", "read_bundle", "refuse_occupied", "write_bundle"]

_MANIFEST = "manifest.json"
#: Bytes; a manifest has 600.
_LARGEST_MANIFEST = 1 << 16


class _Entry(BaseModel):
    """What a manifest says of a file."""

    model_config = ConfigDict(strict=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0, le=LARGEST_BUNDLE)]


class _Manifest(BaseModel):
    """What a manifest says; ``created`` is for people, and nothing that decides."""

    model_config = ConfigDict(strict=True)

    format: Annotated[int, Field(ge=1, le=1_000)]
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    created: Annotated[str, Field(max_length=64)] = ""
    files: dict[str, _Entry]


def refuse_occupied(directory: Path) -> None:
    """Refuse a place that a bundle cannot be written to, before anything long is begun.

    Raises:
        DependencyUnavailable: something that is not a bundle is there.
    """
    if directory.is_file() or _holds_something_else(directory):
        raise DependencyUnavailable(
            f"{directory} is there and is not a bundle; name another directory with --out"
        )


def write_bundle(bundle: Bundle, directory: Path) -> None:
    """Write a bundle as a directory, all of it or nothing; a bundle that was there before is replaced.

    Raises:
        DependencyUnavailable: the place cannot be written to, or holds something that is not a bundle.
    """
    refuse_occupied(directory)
    files = bundle_to_files(bundle)
    manifest = _Manifest(
        format=FORMAT,
        version=bundle.version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files={
            name: _Entry(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
            for name, data in files.items()
        },
    )
    try:
        write_folder(
            directory, files | {_MANIFEST: manifest.model_dump_json(indent=2).encode() + b"\n"}
        )
    except OSError as error:
        raise DependencyUnavailable(
            f"the bundle cannot be written to {directory}: {error.strerror or error}"
        ) from error


def read_bundle(directory: Path) -> Bundle:
    """Read a bundle and check it against its manifest.

    Raises:
        DependencyUnavailable: there is no bundle.
        BundleError: a file is missing or not what the manifest says.
    """
    place = standing_folder(directory)
    if not (place / _MANIFEST).is_file():
        raise DependencyUnavailable(
            f"there is no bundle in {directory}; make one with 'misfire train STREAM --out {directory}'"
        )
    manifest = _manifest(place)
    if manifest.format != FORMAT:
        raise BundleError(
            f"the bundle in {directory} has format {manifest.format}, this version reads {FORMAT}; train it again with 'misfire train'"
        )
    if strange := sorted(manifest.files.keys() - LARGEST.keys()):
        raise BundleError(
            f"the bundle in {directory} names a file that no bundle has ({strange[0][:40]!r}); do not use it"
        )
    bundle = bundle_from_files(
        {name: _content(place / name, entry) for name, entry in manifest.files.items()}
    )
    if bundle.version != manifest.version:
        raise BundleError(
            f"the bundle in {directory} is not the version that its manifest says; copy it again"
        )
    return bundle


def created_at(directory: Path) -> float:
    """Return when the bundle there was made, in seconds since 1970: what its manifest says, else when the manifest was written."""
    place = standing_folder(directory)
    try:
        return datetime.fromisoformat(_manifest(place).created).timestamp()
    except (ValueError, OverflowError):  # BundleError is a ValueError
        return (place / _MANIFEST).stat().st_mtime


def _manifest(place: Path) -> _Manifest:
    """Read a manifest.

    Raises:
        BundleError: it cannot be read, or says something that no manifest says.
    """
    try:
        data = read_small(place / _MANIFEST, _LARGEST_MANIFEST)
        check_unambiguous(data)
        return _Manifest.model_validate_json(data)
    except ValidationError as error:
        wrong = ", ".join(
            sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        )
        why = f"{wrong[:100] or 'it is no object'} cannot be used"
    except (OSError, RecordError) as error:
        why = str(error)
    raise BundleError(
        f"the manifest of the bundle in {place} cannot be read ({why}); train it again with 'misfire train'"
    )


def _holds_something_else(directory: Path) -> bool:
    return directory.is_dir() and not (directory / _MANIFEST).is_file() and any(directory.iterdir())


def _content(path: Path, entry: _Entry) -> bytes:
    """Return what a file holds.

    Raises:
        BundleError: it is not what the manifest says.
    """
    try:
        data = read_small(path, min(entry.bytes, LARGEST[path.name]))
    except OSError:
        data = b""
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BundleError(
            f"{path} is missing or damaged (its sha256 is not the manifest's); copy the bundle again or train it anew"
        )
    return data
