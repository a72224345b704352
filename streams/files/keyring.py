"""A tenant's keys: creation, rotation, and their file."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import ErrorDetails

from detector.contracts.timestamps import Timestamp
from streams.errors import UsageError
from streams.files.private import places_of, read_private_json, write_privately

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = ["KEY_ID", "Key", "Keyring", "new_keyring", "read_keyring", "rotated", "write_keyring"]

#: Keys are as long as the hash (RFC 2104, section 3).
_SECRET_BYTES = 32
_SECRET = re.compile(rf"[0-9a-f]{{{2 * _SECRET_BYTES},}}")
#: Form of a key's id.
KEY_ID = r"^[a-z][a-z0-9]{0,15}$"
#: Limits: characters of a tenant's name, and days of overlap.
_LONGEST_TENANT, _LONGEST_OVERLAP = 64, 366.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key: its id, which is the prefix of its tokens, and the time from which it is used."""

    id: str
    secret: str = field(repr=False)
    since: Timestamp

    def __post_init__(self) -> None:
        _refuse(id=not re.fullmatch(KEY_ID, self.id), secret=not _SECRET.fullmatch(self.secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """A tenant's keys.

    ``household`` makes the ids of households. It is never rotated, because a household with a new
    id has no history. ``keys`` make all other tokens. After the ``since`` of a new key, the key
    before it stays valid for ``overlap_days``. Each household switches at its own time within the
    overlap, so the households do not all have unknown slot values at once.
    """

    tenant: str
    household: Key
    keys: tuple[Key, ...]
    overlap_days: float = 30.0

    def __post_init__(self) -> None:
        _refuse(
            tenant=not 1 <= len(self.tenant) <= _LONGEST_TENANT,
            keys=not self.keys,
            overlap_days=not 0.0 <= self.overlap_days <= _LONGEST_OVERLAP,
        )

    def key_for(self, household_token: str, time: datetime) -> Key:
        """Return the key for a household's slot values at ``time``.

        ``time`` is the event's own time, so that all devices of a household agree.
        """
        moment = int(hashlib.sha256(household_token.encode()).hexdigest()[:8], 16) / 2**32
        chosen, *later = sorted(self.keys, key=lambda key: key.since)
        for key in later:
            if time >= key.since + timedelta(days=self.overlap_days * moment):
                chosen = key
        return chosen

    def valid(self, time: datetime) -> tuple[str, ...]:
        """Return the ids of the keys whose tokens may occur in events of that time."""
        ordered = sorted(self.keys, key=lambda key: key.since)
        ends = [key.since + timedelta(days=self.overlap_days) for key in ordered[1:]]
        return tuple(
            key.id
            for number, key in enumerate(ordered)
            if (number == 0 or key.since <= time) and (number == len(ends) or time < ends[number])
        )


def new_keyring(
    tenant: str, since: datetime, overlap_days: float = 30.0, household_key: str = "h1"
) -> Keyring:
    """Return a keyring with a tenant's first keys.

    ``household_key``, the id of the household key, identifies the tenant in household ids.
    """
    household = Key(id=household_key, secret=secrets.token_hex(_SECRET_BYTES), since=since)
    return Keyring(
        tenant=tenant, household=household, keys=(_new_key("k1", since),), overlap_days=overlap_days
    )


def rotated(keyring: Keyring, since: datetime) -> Keyring:
    """Return the keyring with a new key from ``since`` on, and without expired keys.

    Raises:
        UsageError: the overlap of the last rotation is not over.
    """
    valid = keyring.valid(since)
    if len(valid) > 1:
        raise UsageError(
            f"keys {' and '.join(valid)} are both still valid;"
            f" rotate again when the overlap of {keyring.overlap_days:g} days is over"
        )
    numbers = [int(digits) for key in keyring.keys if (digits := re.sub(r"\D", "", key.id))]
    kept = tuple(key for key in keyring.keys if key.id in valid)
    return replace(keyring, keys=(*kept, _new_key(f"k{max(numbers, default=0) + 1}", since)))


def read_keyring(path: Path) -> Keyring:
    """Read a keyring.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: other users can read it, or it is not a keyring; the message does not quote it.
    """
    keyring, _ = read_private_json(
        path,
        "a keyring",
        lambda data: _adapter().validate_json(data),
        make="misfire keys new",
        hint="; make one with 'misfire keys new'",
        places=_places,
    )
    return keyring


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write a keyring atomically, readable only by its owner.

    Raises:
        DependencyUnavailable: the file cannot be written.
    """
    write_privately(path, _adapter().dump_json(keyring, indent=2) + b"\n", "keyring")


def _refuse(**wrong: bool) -> None:
    """Raise an error with the names of the invalid fields, and none of their values."""
    names = [name for name, is_wrong in wrong.items() if is_wrong]
    if names:
        raise ValueError(" ".join(names))


def _places(problem: ErrorDetails) -> list[str]:
    """Return the dotted paths of the fields of a problem; ``JSON`` for the whole document."""
    if problem["type"] != "value_error":
        return places_of(problem)
    path = [str(part) for part in problem["loc"]]
    # Raised by ``_refuse``.
    return [
        ".".join([*path, name]) for name in problem["msg"].removeprefix("Value error, ").split()
    ]


def _new_key(name: str, since: datetime) -> Key:
    return Key(id=name, secret=secrets.token_hex(_SECRET_BYTES), since=since.astimezone(UTC))


@cache
def _adapter() -> TypeAdapter[Keyring]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - slow, and not needed without a keyring

    return TypeAdapter(Keyring)
