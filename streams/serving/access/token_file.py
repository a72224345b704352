"""The access file: token hashes, and the scopes, tenant and rate of each token.

A bearer token has 256 random bits, so a plain SHA-256 is safe. Salts and slow hashes protect
secrets that people choose.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from streams.errors import UsageError
from streams.files.atomic import locked
from streams.files.private import Stamp, read_private_json, write_privately

__all__ = [
    "AccessFile",
    "AccessToken",
    "Scope",
    "change_access",
    "new_token",
    "read_access",
    "read_stamped",
    "revoked",
    "sha256_of",
    "with_token",
    "write_access",
]

_ID_BYTES, _SECRET_BYTES = 4, 32


class Scope(StrEnum):
    """A permission of a token."""

    DECIDE = "decide"
    CONFIRM = "confirm"
    OPERATE = "operate"
    EXPORT = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A stored token, without its secret.

    ``per_second`` limits its events; each event of a batch counts.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    tenant: Annotated[str, Field(min_length=1, max_length=64)]
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFile:
    """The tenants, their tokens and their rates.

    Attributes:
        tenants: for each tenant, the id of its keyring's household key. Every household id of the
            tenant begins with it.
        tokens: the tokens of all tenants.
        rates: the events per second of all tokens of a tenant together. The default is the rate
            of the tenant's fastest token, so more tokens do not allow more events.
    """

    tenants: dict[str, Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,15}$")]] = field(
        default_factory=dict
    )
    tokens: tuple[AccessToken, ...] = ()
    rates: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = field(default_factory=dict)

    def rate_of(self, tenant: str) -> int | None:
        """Return the events per second of a tenant's tokens together; ``None`` without tokens."""
        return self.rates.get(tenant) or max(
            (token.per_second for token in self.tokens if token.tenant == tenant), default=None
        )

    def problems(self) -> list[str]:
        """Return what is inconsistent in the file, one sentence each."""
        keys, ids = list(self.tenants.values()), [token.id for token in self.tokens]
        shared = sorted({key for key in keys if keys.count(key) > 1})
        unknown = sorted({token.tenant for token in self.tokens} - set(self.tenants))
        return [
            *(f"more than one tenant has the household key {key}" for key in shared),
            *(f"tenant {tenant!r} of a token has no household key" for tenant in unknown),
            *(
                f"token {name} is listed twice"
                for name in sorted({name for name in ids if ids.count(name) > 1})
            ),
        ]


_ACCESS = TypeAdapter(AccessFile)


def sha256_of(secret: str) -> str:
    """Return the hash that is stored and compared in place of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_token(tenant: str, scopes: frozenset[Scope], per_second: int) -> tuple[str, AccessToken]:
    """Generate a token; return the value for its owner, and the entry for the access file."""
    name, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    kept = AccessToken(
        id=name, tenant=tenant, scopes=scopes, per_second=per_second, sha256=sha256_of(secret)
    )
    return f"{name}.{secret}", kept


def with_token(
    access: AccessFile, token: AccessToken, household_key: str | None, rate: int | None = None
) -> AccessFile:
    """Return the file with one more token.

    Args:
        access: the file.
        token: the new token.
        household_key: the tenant's household key; required for the first token of a tenant.
        rate: a new rate for all tokens of the tenant together.

    Raises:
        UsageError: the tenant is new and no key is given, the tenant has a different key, or
            another tenant has that key.
    """
    known = access.tenants.get(token.tenant)
    if known is None and household_key is None:
        raise UsageError(
            f"tenant {token.tenant!r} is new: "
            "give --household-key, the id of its keyring's household key"
        )
    if known is not None and household_key not in (None, known):
        raise UsageError(
            f"tenant {token.tenant!r} has the household key {known}, not {household_key}"
        )
    tenants = access.tenants | {token.tenant: household_key or known or ""}
    rates = access.rates if rate is None else access.rates | {token.tenant: rate}
    found = replace(access, tenants=tenants, tokens=(*access.tokens, token), rates=rates)
    if problems := found.problems():
        raise UsageError("; ".join(problems))
    return found


def revoked(access: AccessFile, name: str) -> AccessFile:
    """Return the file without a token.

    Raises:
        UsageError: no token has that id.
    """
    kept = tuple(token for token in access.tokens if token.id != name)
    if len(kept) == len(access.tokens):
        raise UsageError(f"there is no token {name}; 'misfire token list' shows all tokens")
    return replace(access, tokens=kept)


def read_access(path: Path) -> AccessFile:
    """Read an access file.

    Raises:
        DependencyUnavailable: it does not exist or cannot be read.
        UsageError: other users may read or write it, or it is not an access file.
    """
    return read_stamped(path)[0]


def read_stamped(path: Path) -> tuple[AccessFile, Stamp]:
    """Read an access file as ``read_access`` does; return it with its stamp."""
    found, stamp = read_private_json(
        path, "an access file", _ACCESS.validate_json, make="misfire token new"
    )
    if wrong := found.problems():
        raise UsageError(f"the access file {path} cannot be used: {'; '.join(wrong)}")
    return found, stamp


def change_access(
    path: Path, change: Callable[[AccessFile], AccessFile], *, made_here: bool = False
) -> AccessFile:
    """Read an access file, change it and write it back, under a lock.

    Args:
        path: the file.
        change: returns the new content for the old.
        made_here: whether a missing file counts as empty.

    Raises:
        DependencyUnavailable: it cannot be read or written.
        UsageError: it is not an access file, or ``change`` refuses.
    """
    with locked(path):
        before = AccessFile() if made_here and not path.exists() else read_access(path)
        after = change(before)
        write_access(path, after)
    return after


def write_access(path: Path, access: AccessFile) -> None:
    """Write an access file atomically, readable only by its owner.

    Raises:
        DependencyUnavailable: it cannot be written.
    """
    write_privately(path, _ACCESS.dump_json(access, indent=2) + b"\n", "access file")
