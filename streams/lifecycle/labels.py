"""Labels an event: checks the claim against the log, and sends it to the household's worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from detector.contracts.decisions import Decision
from detector.contracts.errors import InvalidValue
from detector.contracts.labels import Label, LabelKind
from streams.errors import RecordError
from streams.kafka.asking import ask_worker
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord, read_topic
from streams.kafka.topics import INTENTS, LABELS
from streams.lifecycle.decisions import find_decision
from streams.wire.records import LABEL, REFUSAL

__all__ = ["Labelled", "label_event", "labels_of", "latest_labels"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label in the log.

    Attributes:
        label: the label, with its effect if a worker has applied it.
        decision: the decision on the event.
        place: the position of the label in the log.
    """

    label: Label
    decision: Decision
    place: Place

    @property
    def applied(self) -> bool:
        """Whether a worker has applied it; if not, the next one does."""
        return self.label.effect is not None


def label_event(
    brokers: Brokers,
    event_id: str,
    label: LabelKind,
    *,
    why: str,
    by: str,
    household_id: str | None = None,
    label_id: str | None = None,
    wait: float = 10.0,
) -> Labelled:
    """Label an event, and wait for the worker's answer.

    The caller must have checked that ``by`` may label events of the household
    (``Caller.check_household``).

    Args:
        brokers: the Kafka brokers.
        event_id: the event.
        label: what the label says.
        why: the reason, in the words of the person.
        by: the person, or the id of the token.
        household_id: the household of the event. Without it, the whole log of decisions is read.
        label_id: the idempotency key; default: a new one.
        wait: seconds to wait for the worker.

    Raises:
        RecordError: with code ``schema`` if a value is invalid, ``unknown_event``,
            ``ambiguous_event``, or the code of the worker's refusal.
        DependencyUnavailable: the log cannot be read or written.
    """
    decision = find_decision(brokers, event_id, household_id)
    try:
        claim = Label(
            label_id=label_id or uuid.uuid4().hex,
            event_id=event_id,
            household_id=decision.household_id,
            label=label,
            why=why,
            by=by,
            time=datetime.now(UTC),
        )
    except InvalidValue as error:
        raise RecordError("schema", str(error)) from None
    asked = ask_worker(
        brokers,
        INTENTS,
        key=claim.household_id.encode(),
        value=LABEL.encode(claim),
        headers=LABEL.headers(claim.label_id, claim.time, source="misfire/label"),
        wait=wait,
    )
    if asked.answer is None:
        return Labelled(claim, decision, asked.place)
    if asked.answer.type == REFUSAL.type:
        refusal = REFUSAL.decode(asked.answer.value)
        raise RecordError(refusal.code, refusal.detail)
    return Labelled(LABEL.decode(asked.answer.value), decision, asked.place)


def labels_of(brokers: Brokers, household_id: str) -> list[Label]:
    """Return every label of a household in the log, the oldest first, each once.

    A label whose key and content name different households is left out.
    """
    key = household_id.encode()
    found = _each_once(held for held in read_topic(brokers, LABELS) if held.key == key)
    return [label for label in found if label.household_id == household_id]


def latest_labels(labels: Iterable[Label]) -> dict[tuple[str, str], Label]:
    """Return the label that counts for each (household, event): the latest one, if not withdrawn.

    Args:
        labels: in the order of the log.
    """
    found: dict[tuple[str, str], Label] = {}
    for label in labels:
        found.pop((label.household_id, label.event_id), None)
        if label.label is not LabelKind.WITHDRAWN:
            found[label.household_id, label.event_id] = label
    return found


def _each_once(records: Iterable[TopicRecord]) -> Iterable[Label]:
    """Yield the readable labels; a worker that crashes may write one twice."""
    seen: set[str] = set()
    for held in records:
        try:
            label = LABEL.decode(held.value)
        except RecordError:
            continue
        if label.label_id not in seen:
            seen.add(label.label_id)
            yield label
