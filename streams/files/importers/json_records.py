"""Objects of a large JSON document, one at a time, in bounded memory (ijson).

No error quotes the document: ijson's own messages do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.errors import UsageError
from streams.files.importers.source import Source

__all__ = ["objects_in"]

#: Bytes read at once; also the precision of the limit on a record's size.
_CHUNK = 1 << 16


def objects_in(source: Source, path: Path, prefix: str) -> Iterator[Any]:
    """Yield the values at a prefix of ijson, such as ``customerHistoryRecords.item``.

    Raises:
        UsageError: the document is not JSON, or was cut off; the message says after how many
            records.
    """
    import ijson  # noqa: PLC0415 - only importers of JSON need it

    count = 0
    try:
        for value in ijson.items(source, prefix, use_float=True, buf_size=_CHUNK):
            count += 1
            source.next_record()
            yield value
    except ijson.IncompleteJSONError as error:
        cut = "premature" in str(error) or "Incomplete" in str(error)
        what = "was cut off" if cut else "is not JSON"
        raise UsageError(f"{path} {what} after {count:,} records; download it again") from None
    except (ijson.JSONError, ValueError, OverflowError, RecursionError):
        raise UsageError(f"{path} is not JSON after {count:,} records; download it again") from None
