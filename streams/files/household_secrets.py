"""A secret for each household, kept by the runtime: thrown away, nothing in Kafka leads back to that household any more.

Events and decisions stand in topics whose records cannot be removed one by one. They hold tokens only; with a secret of the household's
in each of them, throwing it away does to all of them, and to every backup of them, what deleting would (crypto-erasure; NIST SP 800-88
calls it cryptographic erase): not even who has the keyring and knows the household's id, or guesses a word, can make its tokens again.
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
#: Seconds that another process may take to write.
_PATIENCE = 5.0
#: The layout of the file (``PRAGMA user_version``); it changes when an older version could not read it.
_FORMAT = 0
_SELECT = "SELECT secret FROM secrets WHERE household = ?"


class SecretUnavailable(DependencyUnavailable):
    """A household's secret could not be had: nothing of it may leave the runtime, and the policy answers."""


class HouseholdSecrets(Protocol):
    """Where a runtime keeps them: ``SecretsFile``, or a table of its own."""

    def secret(self, household_id: str) -> bytes:
        """Return a household's secret; draw it where there is none yet."""

    def forget(self, household_id: str) -> bool:
        """Throw a household's secret away for good; return whether there was one. Asked for again it has another."""


class SecretsFile:
    """Secrets in an SQLite file that its owner alone can read; several processes and threads may share it.

    A secret that is thrown away is overwritten (``PRAGMA secure_delete``). Copies of the file, and a file system that keeps old blocks,
    keep it: keep copies no longer than an erasure may take. A file that went away is not made anew: its households would get
    other tokens, and lose their history. Where the file or its disk cannot be written to, secrets that are there can still be read.

    Args:
        path: the file.
        patience: seconds that another process may take to write. A hook waits no longer than its deadline in any case.

    Raises:
        DependencyUnavailable: on construction and use, where the file cannot be read or written.
        UsageError: others can read it, it is no such file, or a newer version wrote it.
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
                "CREATE TABLE IF NOT EXISTS secrets (household TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID"
            )

    def secret(self, household_id: str) -> bytes:
        """As ``HouseholdSecrets.secret``."""
        with self._open(writing=False) as file:
            known = file.execute(_SELECT, (household_id,)).fetchone()
        if known is None:
            with self._open(writing=True) as file:
                if file.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    raise UsageError(f"{self._path} is damaged; restore it from a copy")
                # Of two that draw at once the first wins, and both use its secret.
                drawn = (household_id, secrets.token_bytes(_SECRET_BYTES))
                file.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", drawn)
                known = file.execute(_SELECT, (household_id,)).fetchone()
        if not isinstance(known[0], bytes) or len(known[0]) != _SECRET_BYTES:
            raise UsageError(f"{self._path} holds a damaged secret; restore the file from a copy")
        return known[0]

    def forget(self, household_id: str) -> bool:
        """As ``HouseholdSecrets.forget``."""
        with self._open(writing=True) as file:
            return (
                file.execute("DELETE FROM secrets WHERE household = ?", (household_id,)).rowcount
                > 0
            )

    @contextmanager
    def _open(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        """Open the file, for one thread and one transaction: a connection must not cross a fork."""
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
                        # No write-ahead log: it would keep what is overwritten in the file itself.
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
                f"{self._path} is no file of households' secrets; name another one"
            ) from None
