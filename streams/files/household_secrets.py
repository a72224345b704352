"""Secrets of households, kept by the runtime: deleting one makes a household's records anonymous.

Records of events and decisions cannot be deleted from a topic one by one. They contain only tokens,
each of which depends on a secret of the household. Deleting the secret has the effect of deleting
all these records, including backups (crypto-erasure; NIST SP 800-88 calls it cryptographic erase):
even with the keyring, the household's id and a guessed word, its tokens cannot be computed again.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from streams.errors import DependencyUnavailable, UsageError
from streams.files.private import check_private

__all__ = ["HouseholdSecrets", "SecretUnavailable", "SecretsFile"]

_SECRET_BYTES = 32
#: Seconds to wait for another process that writes.
_PATIENCE = 5.0
#: Format of the file (``PRAGMA user_version``), raised when older versions cannot read it.
_FORMAT = 0
_SELECT = "SELECT secret FROM secrets WHERE household = ?"


class SecretUnavailable(DependencyUnavailable):
    """A household's secret is unavailable: none of its data may be sent, and the policy answers."""


class HouseholdSecrets(Protocol):
    """A runtime's store of secrets: ``SecretsFile``, or its own implementation."""

    def secret(self, household_id: str) -> bytes:
        """Return a household's secret; create it if there is none."""

    def forget(self, household_id: str) -> bool:
        """Delete a household's secret, and return whether there was one.

        The household gets a different secret when it is next asked for.
        """


class SecretsFile:
    """Secrets in an SQLite file with mode 0600 that several processes and threads may share.

    A deleted secret is overwritten (``PRAGMA secure_delete``). Copies of the file and file systems
    that keep old blocks still contain it, so keep copies no longer than an erasure may take. A file
    that disappears is not created again, because its households would get other tokens and lose
    their history. If the file or its disk is read-only, existing secrets can still be read.

    Args:
        path: the file.
        patience: seconds to wait for another process that writes. A hook waits no longer than its
            deadline in any case.

    Raises:
        DependencyUnavailable: on construction and use, if the file cannot be read or written.
        UsageError: other users can read the file, it is of another kind, or from a newer version.
    """

    def __init__(self, path: Path, patience: float = _PATIENCE) -> None:
        self._path = path
        self._patience = patience
        try:
            path.touch(mode=0o600)
            check_private(path, "secrets file")
        except OSError as error:
            raise DependencyUnavailable(
                f"the secrets file {path} cannot be used: {error.strerror or error}"
            ) from error
        with self._open(writing=True) as file:
            file.execute(
                "CREATE TABLE IF NOT EXISTS secrets"
                " (household TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID"
            )

    def secret(self, household_id: str) -> bytes:
        """See ``HouseholdSecrets.secret``."""
        with self._open(writing=False) as file:
            known = file.execute(_SELECT, (household_id,)).fetchone()
        if known is None:
            with self._open(writing=True) as file:
                if file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    raise UsageError(f"{self._path} is damaged; restore it from a copy")
                # If two processes insert at once, the first wins and both use its secret.
                row = (household_id, secrets.token_bytes(_SECRET_BYTES))
                file.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", row)
                known = file.execute(_SELECT, (household_id,)).fetchone()
        if not isinstance(known[0], bytes) or len(known[0]) != _SECRET_BYTES:
            raise UsageError(
                f"{self._path} contains a damaged secret; restore the file from a copy"
            )
        return known[0]

    def forget(self, household_id: str) -> bool:
        """See ``HouseholdSecrets.forget``."""
        with self._open(writing=True) as file:
            return (
                file.execute("DELETE FROM secrets WHERE household = ?", (household_id,)).rowcount
                > 0
            )

    @contextmanager
    def _open(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction in one thread: a connection must not cross a fork."""
        try:
            file = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw", timeout=self._patience, uri=True
            )
            try:
                with file:
                    if file.execute("PRAGMA user_version").fetchone()[0] > _FORMAT:
                        raise UsageError(
                            f"a newer version of misfire wrote {self._path}; use that version"
                        )
                    if writing:
                        # No write-ahead log: it would keep overwritten secrets.
                        file.execute("PRAGMA journal_mode = TRUNCATE")
                        file.execute("PRAGMA secure_delete = ON")
                    yield file
            finally:
                file.close()
        except sqlite3.OperationalError as error:
            raise DependencyUnavailable(
                f"the secrets file {self._path} cannot be used: {error}"
            ) from None
        except sqlite3.DatabaseError:
            raise UsageError(
                f"{self._path} is not a file of household secrets; name another one"
            ) from None
