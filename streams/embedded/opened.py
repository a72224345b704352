"""Opening an existing household file for one transaction of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.embedded.household_file import FileError, HouseholdFile
from streams.embedded.transaction import Transaction
from streams.errors import DependencyUnavailable, UsageError

__all__ = ["opened"]

#: Seconds to wait for a hook that writes.
_PATIENCE = 5.0
#: Codes of a file that a command should not have been given.
_WRONG = frozenset({"file_damaged", "file_newer"})


@contextmanager
def opened(path: Path, *, shrink: bool = False) -> Iterator[Transaction]:
    """Run one transaction in a file that exists.

    Args:
        path: the household file.
        shrink: whether to remove what was deleted from the file afterwards.

    Raises:
        DependencyUnavailable: the file does not exist, is locked or cannot be read.
        UsageError: it is damaged, of another kind, or from a newer version.
    """
    file = HouseholdFile(path, patience=_PATIENCE, create=False)
    try:
        with file.transaction() as transaction:
            yield transaction
        if shrink:
            file.shrink()
    except FileError as error:
        kind = UsageError if error.code in _WRONG else DependencyUnavailable
        raise kind(str(error)) from None
    finally:
        file.close()
