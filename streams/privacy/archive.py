"""The archive of an export: a zip of JSON lines and a manifest, encrypted with age to the requester's key."""

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
#: A household's 90 days are some megabytes; what is unpacked beyond this is no export of ours.
LARGEST_UNPACKED = 1 << 30
#: What zipfile and json say of bytes that are none of theirs.
_NO_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # of bzip2, and of offsets that lie outside
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,  # encrypted by zip's own means, packed in an unknown way, or nested too deeply
)


class ForeignRecordError(Exception):
    """An export would hold another household's record. The message names places, and nothing that they hold."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that was read: its manifest, its lines by source, and what is wrong with it, a sentence each."""

    manifest: Mapping[str, Any]
    lines: Mapping[str, Sequence[bytes]]
    problems: tuple[str, ...]


def recipient(text: str) -> Any:
    """Read a requester's public key: ``age1…``, or an SSH key of the kind ``ssh-ed25519`` or ``ssh-rsa``.

    Raises:
        UsageError: it is none.
    """
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise UsageError(
            "the requester's key cannot be used; give an age public key (age1…) or an SSH public key"
        ) from None


def seal(
    household_id: str, holdings: Sequence[Holding], made: datetime, recipients: Sequence[Any]
) -> bytes:
    """Pack what is held on a household and encrypt it.

    Raises:
        ForeignRecordError: one record is not the household's alone: nothing is given out then.
    """
    places = foreign(holdings)
    if places or not all(
        _is_of(household_id, line) for holding in holdings for line in holding.lines
    ):
        raise ForeignRecordError(
            "the export is refused: another household's content is in "
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
    """Decrypt an archive and check it: every hash, every count, and once more whose every line is.

    Args:
        data: the archive.
        identity: the requester's secret key, as in the file that ``age-keygen`` writes, or an SSH private key.

    Raises:
        UsageError: it is not for that key, or no archive at all.
    """
    try:
        packed = zipfile.ZipFile(io.BytesIO(pyrage.decrypt(data, _identities(identity))))
        if sum(member.file_size for member in packed.infolist()) > LARGEST_UNPACKED:
            raise UsageError(
                f"the archive holds more than {LARGEST_UNPACKED} bytes; it is no export of misfire's"
            )
        files = {member.filename: packed.read(member) for member in packed.infolist()}
        manifest = json.loads(files.pop(_MANIFEST))
        entries = {str(entry["source"]): dict(entry) for entry in manifest["sources"]}
        household_id = str(manifest["household_id"])
    except pyrage.DecryptError:
        raise UsageError(
            "the archive was not encrypted to that key, or was damaged on its way"
        ) from None
    except _NO_ARCHIVE as error:
        raise UsageError(
            f"the archive is no export of misfire's ({type(error).__name__})"
        ) from None
    wanted = {_file(source) for source in entries}
    problems = [f"{name} is missing" for name in sorted(wanted - files.keys())]
    problems += ["it holds a file that is not in the manifest"] if files.keys() - wanted else []
    problems += [
        f"the manifest says nothing of {source}" for source in SOURCES if source not in entries
    ]
    for source, entry in entries.items():
        problems += _wrong(source, entry, files.get(_file(source), b""), household_id)
    lines = {source: files.get(_file(source), b"").splitlines(keepends=True) for source in entries}
    return Opened(manifest, lines, tuple(problems))


def _wrong(source: str, entry: Mapping[str, Any], data: bytes, household_id: str) -> list[str]:
    lines = data.splitlines(keepends=True)
    problems = []
    if hashlib.sha256(data).hexdigest() != entry.get("sha256"):
        problems.append(f"{source} is not what was written (its sha256 is another)")
    if len(lines) != entry.get("records"):
        problems.append(f"{source} has {len(lines)} records, not as many as the manifest says")
    strangers = sum(not _is_of(household_id, line) for line in lines)
    if strangers:
        problems.append(f"{source} has {strangers} records that are not this household's alone")
    return problems


def _is_of(household_id: str, line: bytes) -> bool:
    """Say whether a line holds this household's content and nothing else."""
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
        raise UsageError("the key file holds no age or SSH key that can decrypt") from None
