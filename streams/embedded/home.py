"""Decides, checks answers and applies outcomes, each in one transaction of the household file."""

from __future__ import annotations

import logging
from dataclasses import replace

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label, LabelKind
from detector.decision.answers import answer
from detector.decision.bundle import Bundle
from detector.decision.decide import is_reused
from detector.decision.failing_closed import decide_or_fall_back
from detector.household.outcomes import report
from detector.policy.block_budget import BlockWindow, is_block, is_counted
from streams.embedded.household_file import HouseholdFile
from streams.embedded.labels import label_in
from streams.errors import RecordError
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME
from streams.wire.refusals import ID_REUSED
from streams.wire.tenancy import UNKNOWN

__all__ = ["Home"]

logger = logging.getLogger(__name__)

_DAY = 86_400.0
#: Seconds between deletions of old records.
_PRUNE_EVERY = 3_600.0


class Home:
    """The households of one file. It belongs to one thread; times are those of arrival, in seconds.

    Args:
        file: the household file.
        bundle: the bundle that decides.
        confirmation_key: the key that checks proofs of confirmations.
        keep_days: days for which records are kept.
    """

    def __init__(
        self,
        file: HouseholdFile,
        bundle: Bundle,
        *,
        confirmation_key: bytes | None,
        keep_days: float,
    ) -> None:
        self.file = file
        self._bundle = bundle
        self._key = confirmation_key
        self._keep = keep_days * _DAY
        #: Arrival of the latest event, and of the one after which old records were deleted.
        self._latest = self._pruned = 0.0
        #: In memory and empty at the start, as a worker's.
        self._blocks = BlockWindow()

    def decide(self, event: IntentEvent, at: float) -> Decision:
        """Decide on an event; an event that was decided before gets its first decision again.

        Raises:
            FileError: the file cannot be used; nothing was decided.
            RecordError: with code ``id_reused``, if the event_id belongs to a different event.
        """
        budget = self._bundle.policy.block_budget
        with self.file.transaction() as transaction:
            stored = transaction.stored(event.household_id)
            if is_reused(stored.state, event):
                raise RecordError("id_reused", ID_REUSED)
            known = stored.decided(event.event_id)
            if known is not None:
                return known
            decision, state, error = decide_or_fall_back(
                stored.state,
                event,
                self._bundle,
                at=at,
                over_budget=self._blocks.spent(budget, event.household_id),
                proofs=self._key is not None,
                rules=transaction.rules().of(event.household_id, UNKNOWN),
            )
            if error is not None:
                logger.error("misfire: the core failed on an event", exc_info=error)
            transaction.add(INTENT, event, at=at)
            transaction.add(DECISION, decision, at=at)
            transaction.put(replace(stored, state=state))
        self._latest = at
        if is_counted(event, decision):
            self._blocks = self._blocks.after(
                at,
                budget,
                household=event.household_id,
                intent=event.intent,
                blocked=is_block(decision),
            )
        return decision

    def answer(self, given: ConfirmationAnswer, at: float) -> ConfirmationResult:
        """Apply an answer to a question.

        Raises:
            FileError: the file cannot be used; nothing was confirmed.
        """
        with self.file.transaction() as transaction:
            stored = transaction.stored(given.household_id)
            result, state = answer(stored.state, given, self._bundle, at=at, key=self._key)
            transaction.add(ANSWER, given, at=at)
            transaction.put(replace(stored, state=state))
        return result

    def report(self, outcome: Outcome, at: float) -> bool:
        """Apply an outcome; return whether it was accepted.

        Raises:
            FileError: the file cannot be used; the outcome had no effect.
        """
        with self.file.transaction() as transaction:
            stored = transaction.stored(outcome.household_id)
            refused, state = report(stored.state, outcome, at=at)
            transaction.add(OUTCOME, outcome, at=at)
            transaction.put(replace(stored, state=state))
        return refused is None

    def label(self, event_id: str, label: LabelKind, at: float, *, why: str, by: str) -> Label:
        """Label an event.

        Raises:
            FileError: the file cannot be used; the label had no effect.
            RecordError: as ``label_in``.
        """
        with self.file.transaction() as transaction:
            return label_in(transaction, event_id, label, why=why, by=by, at=at)

    def tidy(self) -> None:
        """Delete old records and shorten the file's log, if it is time; log any error.

        It may wait for the disk, so it runs after a call, when the caller has the result.
        """
        try:
            # After a restart or a change of the clock, the next event prunes.
            if abs(self._latest - self._pruned) >= _PRUNE_EVERY:
                self._pruned = self._latest
                with self.file.transaction() as transaction:
                    transaction.delete_before(self._latest - self._keep)
            self.file.checkpoint()
        except Exception as error:  # noqa: BLE001 - the thread goes on with the next call
            logger.warning("misfire: the household file could not be tidied up: %s", error)
