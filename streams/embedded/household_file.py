"""The household file: one SQLite file of states and kept records, opened, locked and closed.

The file has a write-ahead log (https://www.sqlite.org/wal.html) with ``synchronous=NORMAL``. A
killed process loses no committed transaction. A power cut may lose the latest ones, but never a
part of one, and never what was committed before the last checkpoint.

A checkpoint waits for the disk. SQLite runs one in the transaction that makes the log longer than
1,000 pages; ``checkpoint`` runs it earlier, while no caller waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from detector.decision.rule_set import RuleBook
from streams.embedded.transaction import Transaction
from streams.wire.state.packing import FAST, Packer, Stored

__all__ = ["FORMAT", "FileError", "HouseholdFile"]

#: Format of the file (``PRAGMA user_version``), raised when older versions cannot read it.
FORMAT = 1
#: ``PRAGMA application_id``: "mfhh" in ASCII.
_APPLICATION = 0x6D666868
_RECORDS = (
    "number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, household_id TEXT NOT NULL,"
    " type TEXT NOT NULL, value BLOB NOT NULL"
)
_SCHEMA = (
    "CREATE TABLE households (household_id TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID",
    f"CREATE TABLE records ({_RECORDS})",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)
#: Files of version 0.1.0 do not have it. A removed rule stays until its records are deleted.
_RULES = (
    "CREATE TABLE IF NOT EXISTS rules (rule_id TEXT PRIMARY KEY, value BLOB NOT NULL,"
    " removed_at REAL, removed_by TEXT, removed_why TEXT) WITHOUT ROWID"
)
#: Device and number of a file; ``None`` if it does not exist.
Identity = tuple[int, int] | None
#: Households whose decoded state is cached; decoding one takes 0.1 to 0.3 ms.
_CACHED = 64
#: Transactions from one checkpoint to the next. Each adds about seven pages to the log.
_CHECKPOINT_EVERY = 64
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class FileError(Exception):
    """The household file cannot be used. ``code`` is a reason code; the message has no full stop.

    The codes are ``file_locked``, ``file_damaged``, ``file_newer`` and ``file_unavailable``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class HouseholdFile:
    """A household file, opened at its first use. One thread at a time may use it.

    Args:
        path: the file. If it does not exist, it is created with mode 0600.
        patience: seconds to wait for another process that writes.
        create: whether to create the file.

    Attributes:
        last_rules: the rules as they were last read, also if the file cannot be used any more.
    """

    def __init__(self, path: Path, *, patience: float, create: bool = True) -> None:
        self._path = path
        self._patience = patience
        self._create = create
        self._file: sqlite3.Connection | None = None
        self._log = Path(f"{path}-wal")
        self._identities: tuple[Identity, Identity] = (None, None)
        self._cached: dict[str, Stored] = {}
        self._packer = Packer(FAST)
        self._rules: RuleBook | None = None
        self.last_rules = RuleBook()
        self._version = -1
        self._committed = 0

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run a transaction, which is committed unless the block raises.

        Raises:
            FileError: the file cannot be used; the transaction had no effect.
        """
        try:
            if self._file is not None and _identity(self._path) != self._identities[0]:
                self._abandon()
            file = self._file = self._file or self._open()
            file.execute("BEGIN IMMEDIATE")
            # Another process has written since: what this one remembers is outdated.
            version = file.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version or len(self._cached) > _CACHED:
                self._forget()
                self._version = version
            transaction = Transaction(file, self._cached, self._packer, self._rules)
            try:
                yield transaction
            finally:
                self.last_rules = transaction.known_rules or self.last_rules
            file.execute("COMMIT")
            self._committed += 1
            self._cached.update(transaction.written)
            self._rules = transaction.known_rules
        except sqlite3.Error as error:
            self._give_up()
            raise self._described(error) from None
        except BaseException as error:
            self._give_up()
            if type(error) is ValueError:  # of ``unpack``
                raise self._unusable(
                    "file_damaged", f"contains an unreadable state: {error}"
                ) from None
            raise

    def checkpoint(self) -> None:
        """Copy the log into the file if it has grown; a reader or writer of it does not wait.

        Raises:
            FileError: the file cannot be used.
        """
        if self._file is None or self._committed < _CHECKPOINT_EVERY:
            return
        self._committed = 0
        try:
            self._file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            raise self._described(error) from None

    def close(self) -> None:
        """Close the file; the next transaction opens it again."""
        file, self._file = self._file, None
        self._forget()
        if file is not None:
            with suppress(sqlite3.Error):
                file.close()

    def shrink(self) -> None:
        """Remove what was deleted from the file and from its write-ahead log.

        Raises:
            FileError: another process uses the file.
        """
        try:
            file = self._file = self._file or self._open()
            file.execute("VACUUM")
            busy = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise self._described(error) from None
        if busy:
            raise self._unusable("file_locked", "is in use by another process")

    def _abandon(self) -> None:
        """Close a file that was deleted or replaced; SQLite would go on with the old one.

        Its log must not be applied to the new file (https://www.sqlite.org/howtocorrupt.html, 1.4).
        """
        self.close()
        if _identity(self._log) == self._identities[1]:
            with suppress(OSError):
                self._log.unlink()

    def _give_up(self) -> None:
        """Roll back, and forget what was read: a failed commit leaves nothing to rely on."""
        self._forget()
        if self._file is not None:
            with suppress(sqlite3.Error):
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                return
            self.close()

    def _forget(self) -> None:
        self._cached.clear()
        self._rules = None

    def _open(self) -> sqlite3.Connection:
        try:
            if self._create:
                self._path.touch(mode=0o600)
            uri = f"{self._path.absolute().as_uri()}?mode=rw"
        except OSError as error:
            raise self._unusable(
                "file_unavailable", f"cannot be used: {error.strerror or error}"
            ) from None
        file = sqlite3.connect(
            uri, uri=True, timeout=self._patience, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(file)
        except BaseException:
            file.close()
            raise
        self._identities = _identity(self._path), _identity(self._log)
        return file

    def _prepare(self, file: sqlite3.Connection) -> None:
        """Refuse a file of another kind or version unchanged, and fill an empty one."""
        self._check(file)
        if file.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise self._unusable(
                "file_unavailable",
                "is on a file system without shared memory; place it on a local disk",
            )
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute("PRAGMA secure_delete = ON")
        file.execute("BEGIN IMMEDIATE")
        if _is_empty(file):
            for statement in _SCHEMA:
                file.execute(statement)
        file.execute(_RULES)
        file.execute("COMMIT")

    def _check(self, file: sqlite3.Connection) -> None:
        if _is_empty(file):
            return
        if file.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
            raise self._unusable("file_damaged", "is of another kind; name another file")
        if file.execute("PRAGMA user_version").fetchone()[0] > FORMAT:
            raise self._unusable(
                "file_newer", "was written by a newer version; install that version"
            )

    def _described(self, error: sqlite3.Error) -> FileError:
        # Extended codes contain the primary code in their lowest byte.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _BUSY:
            return self._unusable("file_locked", "is locked by another process")
        if code in _DAMAGED:
            return self._unusable(
                "file_damaged",
                f"is damaged ({error}); restore it from a copy, or move it away to begin anew",
            )
        return self._unusable("file_unavailable", f"cannot be used: {error}")

    def _unusable(self, code: str, what: str) -> FileError:
        return FileError(code, f"The household file {self._path} {what}")


def _is_empty(file: sqlite3.Connection) -> bool:
    return not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
