"""Values of a large JSON document, one at a time, in bounded memory (ijson).

``ijson.items`` keeps a text for each level of nesting, of the length of the whole path, so a deep
document of some hundred kilobytes takes all memory. This reads the events below it, and refuses
deep documents. No error quotes the document: ijson's own messages do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.errors import UsageError
from streams.files.importers.source import Source

__all__ = ["ELEMENT", "MAX_DEPTH", "values_in"]

#: Deepest nesting of a log; a record of a voice history has four levels.
MAX_DEPTH = 64
#: Bytes read at once; also the precision of the limit on a record's size.
_CHUNK = 1 << 16
_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
#: The name of an array's elements in a path.
ELEMENT = "[]"


def values_in(source: Source, path: Path, *place: str) -> Iterator[Any]:
    """Yield the values at a place: names of objects' fields, and ``[]`` for the elements of arrays.

    Raises:
        UsageError: the document is not JSON, was cut off, or is nested too deeply; the message says
            after how many values.
    """
    import ijson  # noqa: PLC0415 - only importers of JSON need it

    count = 0
    try:
        for value in _values(ijson, source, path, list(place)):
            count += 1
            source.next_record()
            yield value
    except ijson.IncompleteJSONError as error:
        cut = "premature" in str(error) or "Incomplete" in str(error)
        what = "was cut off" if cut else "is not JSON"
        raise UsageError(f"{path} {what} after {count:,} records; download it again") from None
    except (ijson.JSONError, ValueError, OverflowError, RecursionError):
        raise UsageError(f"{path} is not JSON after {count:,} records; download it again") from None


def _values(ijson: Any, source: Source, path: Path, wanted: list[str]) -> Iterator[Any]:
    here: list[str] = []
    built, depth = None, 0
    for event, value in ijson.basic_parse(source, use_float=True, buf_size=_CHUNK):
        if built is None and event == "map_key":
            here[-1] = value
        elif built is None and event in _ENDS:
            here.pop()
        elif built is None and here != wanted:
            if event in _STARTS:
                here.append(ELEMENT if event == "start_array" else "")
        else:
            built = built or ijson.ObjectBuilder()
            built.event(event, value)
            depth += (event in _STARTS) - (event in _ENDS)
            if not depth:
                yield built.value
                built = None
        if len(here) + depth > MAX_DEPTH:
            raise UsageError(f"{path} is nested deeper than {MAX_DEPTH} levels; no log is")
