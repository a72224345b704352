"""Bundles on disk: a directory of files and a manifest with the hash of each."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from detector.bundle import FORMAT, LARGEST_BUNDLE, Bundle, bundle_from_files, bundle_to_files
from detector.errors import BundleError
from streams.errors import MissingPart

__all__ = ["LARGEST_BUNDLE", "created_at", "read_bundle", "refuse_occupied", "write_bundle"]

_MANIFEST = "manifest.json"


def refuse_occupied(directory: Path) -> None:
    """Refuse a place that a bundle cannot be written to, before anything long is begun.

    Raises:
        MissingPart: something that is not a bundle is there.
    """
    if directory.is_file() or _holds_something_else(directory):
        raise MissingPart(f"{directory} is there and is not a bundle; name another directory with --out")


def write_bundle(bundle: Bundle, directory: Path) -> None:
    """Write a bundle as a directory, all of it or nothing; a bundle that was there before is replaced.

    Raises:
        MissingPart: the place cannot be written to, or holds something that is not a bundle.
    """
    refuse_occupied(directory)
    files = bundle_to_files(bundle)
    manifest = {
        "format": FORMAT,
        "version": bundle.version,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        },
    }
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name}-", dir=directory.parent) as folder:
            draft = Path(folder) / directory.name
            draft.mkdir()
            for name, data in files.items():
                (draft / name).write_bytes(data)
            (draft / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
            if directory.exists():
                shutil.rmtree(directory)
            draft.rename(directory)
    except OSError as error:
        raise MissingPart(
            f"the bundle cannot be written to {directory}: {error.strerror or error}"
        ) from error


def read_bundle(directory: Path) -> Bundle:
    """Read a bundle and check it against its manifest.

    Raises:
        MissingPart: there is no bundle.
        BundleError: a file is missing or not what the manifest says.
    """
    if not (directory / _MANIFEST).is_file():
        raise MissingPart(
            f"there is no bundle in {directory}; make one with 'misfire train STREAM --out {directory}'"
        )
    try:
        manifest = json.loads((directory / _MANIFEST).read_text("utf-8"))
        wanted = {str(name): str(entry["sha256"]) for name, entry in manifest["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(
            f"the manifest of the bundle in {directory} cannot be read; train it again with 'misfire train'"
        ) from error
    files = {}
    for name, sha256 in wanted.items():
        if name != Path(name).name:
            raise BundleError(f"the bundle in {directory} names a file outside of it; do not use it")
        path = directory / name
        data = _bytes(path)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BundleError(
                f"{path} is missing or damaged (its sha256 is not the manifest's); copy the bundle again or train it anew"
            )
        files[name] = data
    return bundle_from_files(files)


def created_at(directory: Path) -> float:
    """Return when the bundle there was made, in seconds since 1970: what its manifest says, else when the manifest was written."""
    path = directory / _MANIFEST
    created = json.loads(path.read_text("utf-8")).get("created")
    try:
        return datetime.fromisoformat(created).timestamp()
    except (TypeError, ValueError):
        return path.stat().st_mtime


def _holds_something_else(directory: Path) -> bool:
    return directory.is_dir() and not (directory / _MANIFEST).is_file() and any(directory.iterdir())


def _bytes(path: Path) -> bytes:
    """Return what a file holds; nothing where it cannot be read or is larger than any bundle, which no manifest agrees with."""
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST_BUNDLE else b""
    except OSError:
        return b""
