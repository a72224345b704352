"""The export archive: a zip of JSON lines and a manifest, encrypted with age to the requester."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyrage

from streams.errors import UsageError
from streams.privacy.holdings import SOURCES, Holding, foreign
from streams.privacy.ownership import owners_in

__all__ = ["LARGEST_UNPACKED", "ForeignRecordError", "Opened", "open_archive", "recipient", "seal"]

FORMAT = 1
_MANIFEST = "manifest.json"
#: Bytes. 90 days of a household take a few megabytes; a larger archive is not one of misfire's.
LARGEST_UNPACKED = 1 << 30
#: Errors of zipfile and json for invalid input.
_INVALID = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # bzip2, and offsets out of range
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,  # zip encryption, an unknown compression, or nesting that is too deep
)


class ForeignRecordError(Exception):
    """An export would contain another household's data. The message names positions only."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted archive: its manifest, its lines by source, and its problems, a sentence each."""

    manifest: Mapping[str, Any]
    lines: Mapping[str, Sequence[bytes]]
    problems: tuple[str, ...]


def recipient(text: str) -> Any:
    """Parse a requester's public key: ``age1…``, or an ``ssh-ed25519`` or ``ssh-rsa`` key.

    Raises:
        UsageError: the key is invalid.
    """
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise UsageError(
            "the requester's key is not valid; give an age public key (age1…) or an SSH public key"
        ) from None


def seal(
    household_id: str, holdings: Sequence[Holding], made: datetime, recipients: Sequence[Any]
) -> bytes:
    """Pack the holdings of a household and encrypt them.

    Raises:
        ForeignRecordError: a record also contains another household's data; nothing is exported.
    """
    places = foreign(holdings)
    if places or not all(
        _is_of(household_id, line) for holding in holdings for line in holding.lines
    ):
        raise ForeignRecordError(
            "the export is refused: another household's data is in "
            + ("; ".join(map(str, places)) or "a line")
        )
    manifest = {
        "format": FORMAT,
        "household_id": household_id,
        "made": made.astimezone(UTC).isoformat(),
        "sources": [_entry(holding) for holding in holdings],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(_MANIFEST, json.dumps(manifest, indent=2) + "\n")
        for holding in holdings:
            packed.writestr(_file(holding.source), b"".join(holding.lines))
    return bytes(pyrage.encrypt(buffer.getvalue(), list(recipients)))


def open_archive(data: bytes, identity: str) -> Opened:
    """Decrypt an archive and verify every hash, every count, and the owner of every line.

    Args:
        data: the archive.
        identity: the requester's secret key as ``age-keygen`` writes it, or an SSH private key.

    Raises:
        UsageError: the archive is not encrypted to that key, or is not an archive.
    """
    try:
        packed = zipfile.ZipFile(io.BytesIO(pyrage.decrypt(data, _identities(identity))))
        if sum(member.file_size for member in packed.infolist()) > LARGEST_UNPACKED:
            raise UsageError(
                f"the archive contains more than {LARGEST_UNPACKED} bytes;"
                " it is not an export of misfire"
            )
        files = {member.filename: packed.read(member) for member in packed.infolist()}
        manifest = json.loads(files.pop(_MANIFEST))
        entries = {str(entry["source"]): dict(entry) for entry in manifest["sources"]}
        household_id = str(manifest["household_id"])
    except pyrage.DecryptError:
        raise UsageError("the archive is not encrypted to that key, or is damaged") from None
    except _INVALID as error:
        raise UsageError(
            f"the archive is not an export of misfire ({type(error).__name__})"
        ) from None
    wanted = {_file(source) for source in entries}
    problems = [f"{name} is missing" for name in sorted(wanted - files.keys())]
    problems += ["it contains a file that is not in the manifest"] if files.keys() - wanted else []
    problems += [
        f"the manifest does not list {source}" for source in SOURCES if source not in entries
    ]
    for source, entry in entries.items():
        problems += _wrong(source, entry, files.get(_file(source), b""), household_id)
    lines = {source: files.get(_file(source), b"").splitlines(keepends=True) for source in entries}
    return Opened(manifest, lines, tuple(problems))


def _wrong(source: str, entry: Mapping[str, Any], data: bytes, household_id: str) -> list[str]:
    lines = data.splitlines(keepends=True)
    problems = []
    if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        problems.append(f"{source} was changed (its sha256 differs from the manifest)")
    if len(lines) != entry.get("records"):
        problems.append(
            f"{source} has {len(lines)} records; the manifest says {entry.get('records')}"
        )
    strangers = sum(not _is_of(household_id, line) for line in lines)
    if strangers:
        problems.append(
            f"{source} has {strangers} records that do not belong to this household alone"
        )
    return problems


def _is_of(household_id: str, line: bytes) -> bool:
    """Return whether a line contains only this household's data."""
    try:
        return owners_in(line) == {household_id}
    except ValueError:
        return False


def _entry(holding: Holding) -> dict[str, Any]:
    return {
        "source": holding.source,
        "records": holding.records,
        "sha256": holding.sha256,
        "read": holding.read,
        "superseded": holding.superseded,
        "unchecked": [asdict(place) for place in holding.unchecked],
        "disputed": [asdict(place) for place in holding.disputed],
    }


def _file(source: str) -> str:
    return f"{source}.jsonl"


def _identities(text: str) -> list[Any]:
    try:
        if "PRIVATE KEY" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        secrets = [
            line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")
        ]
        return [pyrage.x25519.Identity.from_str(secret) for secret in secrets]
    except pyrage.IdentityError:
        raise UsageError("the key file contains no age or SSH private key") from None
