"""Upload of a home that an embedded hook served: its state becomes the household's. No I/O."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import replace

from streams.errors import RecordError
from streams.wire.records import HouseholdUpload
from streams.wire.state.packing import Stored, unpack
from streams.worker.handling import Incoming, with_intent

__all__ = ["uploaded"]


def uploaded(stored: Stored, given: HouseholdUpload, record: Incoming) -> Stored:
    """Return the household with the uploaded state.

    Args:
        stored: the household so far.
        given: the upload.
        record: its record, which is marked as applied.

    Raises:
        RecordError: with code ``household_known`` if the household has a history, which the upload
            would replace; with code ``schema`` if the state cannot be read or is another's.
    """
    if stored.state.events:
        raise RecordError(
            "household_known",
            "the household has a history in this installation; erase it before an upload",
        )
    try:
        state = unpack(b64decode(given.state, validate=True)).state
    except (Base64Error, ValueError) as error:
        raise RecordError("schema", f"state: {error}") from None
    if state.household_id != given.household_id:
        raise RecordError("schema", "state: it belongs to another household")
    return replace(with_intent(stored, record), state=state)
