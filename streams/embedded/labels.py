"""Labels an event in a household file, as a worker does with a label in the log."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from detector.contracts.errors import InvalidValue
from detector.contracts.labels import Label, LabelKind
from detector.household.labelling import apply_label
from streams.embedded.opened import opened
from streams.embedded.transaction import Transaction
from streams.errors import RecordError
from streams.wire.records import DECISION, LABEL

__all__ = ["label_in", "label_in_file"]


def label_in_file(
    path: Path,
    event_id: str,
    label: LabelKind,
    *,
    why: str,
    by: str,
    household_id: str | None = None,
) -> Label:
    """Label an event of a household file, and return the label with its effect.

    Raises:
        DependencyUnavailable, UsageError: the file cannot be used.
        RecordError: as ``label_in``.
    """
    with opened(path) as transaction:
        return label_in(
            transaction,
            event_id,
            label,
            why=why,
            by=by,
            at=time.time(),
            household_id=household_id,
        )


def label_in(
    transaction: Transaction,
    event_id: str,
    label: LabelKind,
    *,
    why: str,
    by: str,
    at: float,
    household_id: str | None = None,
) -> Label:
    """Label an event at ``at``, in seconds since the epoch; keep the label with its effect.

    Raises:
        RecordError: with code ``schema`` if a value is invalid, ``unknown_event`` if the file has
            no decision on the event, or ``ambiguous_event`` if several households have one.
    """
    needle = event_id.encode()
    found = {
        kept.household_id
        for kept in transaction.records(household_id)
        if kept.type == DECISION.type
        and needle in kept.value
        and DECISION.decode(kept.value).event_id == event_id
    }
    if not found:
        raise RecordError("unknown_event", "the household file has no decision on this event")
    if len(found) > 1:
        raise RecordError(
            "ambiguous_event",
            f"{len(found)} households have an event with this id; name the household",
        )
    try:
        claim = Label(
            label_id=uuid.uuid4().hex,
            event_id=event_id,
            household_id=found.pop(),
            label=label,
            why=why,
            by=by,
            time=datetime.fromtimestamp(at, UTC),
        )
    except InvalidValue as error:
        raise RecordError("schema", str(error)) from None
    stored = transaction.stored(claim.household_id)
    effect, state = apply_label(stored.state, claim, at=at)
    applied = replace(claim, effect=effect)
    transaction.add(LABEL, applied, at=at)
    transaction.put(replace(stored, state=state))
    return applied
