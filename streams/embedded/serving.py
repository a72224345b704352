"""What the synchronous and the asynchronous embedded hook share: their parts and their fallbacks.

The fallback is the policy's, as when a ``Hook`` reaches no gateway: rung ``policy``, ``degraded``,
with a reason and a warning in the log.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.errors import InvalidValue
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label, LabelKind
from detector.contracts.refusals import refused
from detector.decision.bundle import Bundle
from detector.policy.fallback import outcome_of_fallback
from detector.policy.policy import Policy
from streams.embedded.home import Home
from streams.embedded.household_file import FileError, HouseholdFile
from streams.embedded.rules import NoBundleError, read_rules
from streams.embedded.serial_thread import SerialThread, ThreadUnavailable
from streams.errors import RecordError
from streams.files.household_secrets import SecretUnavailable
from streams.hook.calls import warn
from streams.hook.protocol import NO_QUESTION, Asking, Said
from streams.hook.rejecting import RejectedEvent, check_is, rejecting
from streams.hook.tokenizing import Tokens
from streams.wire.records import ANSWER, DECISION, INTENT, OUTCOME

__all__ = ["CONFIRM_SECONDS", "Serving", "Settings"]

T = TypeVar("T")

#: Seconds for an answer to a question. The user has just confirmed and expects to wait.
CONFIRM_SECONDS = 4.0
#: Share of the deadline for which a call waits for another process that writes.
_LOCK_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The arguments of an embedded hook; see ``EmbeddedHook``."""

    path: Path
    bundle: Bundle | Path | None
    bundle_public_key: Path | None
    policy: Policy | Path | None
    allow_unready: bool
    deadline_ms: int
    tokens: Tokens | None
    confirmation_key: bytes | None
    keep_days: float
    now: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Process:
    """The thread of one process and its open file; neither may cross a fork."""

    thread: SerialThread
    home: Home


class Serving:
    """Runs calls in the hook's thread, and answers for it if it cannot.

    Raises:
        InvalidValue: an argument is invalid; the message names it.
        UnreadyBundle: the bundle is not ready to enforce.
        PolicyError, DependencyUnavailable: the given policy or public key cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.deadline_ms <= 0 or settings.keep_days <= 0:
            raise InvalidValue("deadline_ms and keep_days must be above 0")
        self.deadline = settings.deadline_ms / 1000.0
        self._settings = settings
        rules = read_rules(
            settings.bundle,
            settings.policy,
            public_key=settings.bundle_public_key,
            allow_unready=settings.allow_unready,
        )
        self._bundle = rules.bundle
        self.asking = Asking(rules.policy, settings.tokens)
        self._processes: dict[int, _Process] = {}
        for kind in (INTENT, DECISION, OUTCOME, ANSWER):
            kind.warm()

    def decide(self, event: IntentEvent) -> Future[Decision]:
        """Begin a decision; ``decided_without`` answers after any error."""
        check_is(event, IntentEvent)
        at = self._settings.now()
        return self._submit(lambda home: home.decide(self._event(event), at))

    def decided_without(self, event: IntentEvent, error: Exception) -> Decision:
        """Return the fallback after an error of ``decide``.

        Raises:
            RejectedEvent: the event is the cause.
        """
        decision = self.asking.fallback(event, *self._cause(error))
        if isinstance(error, TimeoutError) and event.commits:
            # The file still gets the event, after the answer. It must learn what really ran.
            self._keep_outcome(outcome_of_fallback(event, decision))
        return decision

    def question(
        self, decision: Decision, method: ConfirmMethod, *, accepted: bool
    ) -> tuple[ConfirmationAnswer, ConfirmationResult | None]:
        """Return an answer without its reply, and its refusal if nothing can check it."""
        given = self.asking.question(decision, method, accepted=accepted)
        nothing_asked = given.confirmation_id == NO_QUESTION
        return given, refused(given, Refusal.UNCHECKED) if nothing_asked else None

    def confirm(self, given: ConfirmationAnswer, reply: Said) -> Future[ConfirmationResult]:
        """Begin to check an answer; ``unconfirmed`` refuses it after any error."""
        at = self._settings.now()
        return self._submit(lambda home: home.answer(self._answer(given, reply), at))

    def unconfirmed(self, given: ConfirmationAnswer, error: Exception) -> ConfirmationResult:
        """Return the refusal after an error of ``confirm``.

        Raises:
            RejectedEvent: the answer is the cause.
        """
        warn("a confirmation could not be checked: %s", self._cause(error)[1])
        return refused(given, Refusal.UNCHECKED)

    def report(self, outcome: Outcome) -> Future[bool]:
        """Begin to apply an outcome; ``unreported`` logs any error."""
        check_is(outcome, Outcome)
        at = self._settings.now()
        return self._submit(lambda home: home.report(self._outcome(outcome), at))

    def unreported(self, error: Exception) -> bool:
        """Log why an outcome could not be applied, and return ``False``.

        Raises:
            RejectedEvent: the outcome is the cause.
        """
        warn("an outcome could not be reported: %s", self._cause(error)[1])
        return False

    def label(self, event_id: str, label: LabelKind, *, why: str, by: str) -> Future[Label]:
        """Begin to label an event; ``unlabelled`` logs any error."""
        at = self._settings.now()
        return self._submit(lambda home: home.label(event_id, label, at, why=why, by=by))

    def unlabelled(self, error: Exception) -> None:
        """Log why an event could not be labelled.

        Raises:
            RejectedEvent: the label is the cause.
        """
        warn("an event could not be labelled: %s", self._cause(error)[1])

    def close(self, patience: float) -> None:
        """Close this process's file and end its thread. A later call opens them again."""
        process = self._processes.pop(os.getpid(), None)
        if process is None:
            return
        try:
            process.thread.submit(process.home.file.close)
        except ThreadUnavailable as error:
            warn("the household file could not be closed: %s", error)
        process.thread.stop(patience)

    def _submit(self, work: Callable[[Home], T]) -> Future[T]:
        """Run a call in this process's thread.

        Raises:
            NoBundleError, ThreadUnavailable: nothing can run it.
        """
        process = self._processes.get(os.getpid())
        if process is None:
            process = self._processes.setdefault(os.getpid(), self._process())
        home = process.home
        return process.thread.submit(lambda: work(home))

    def _process(self) -> _Process:
        if isinstance(self._bundle, NoBundleError):
            raise self._bundle
        file = HouseholdFile(self._settings.path, patience=self.deadline * _LOCK_SHARE)
        home = Home(
            file,
            self._bundle,
            confirmation_key=self._settings.confirmation_key,
            keep_days=self._settings.keep_days,
        )
        return _Process(SerialThread(), home)

    def _event(self, event: IntentEvent) -> IntentEvent:
        """Return the event as a worker would read it, so that both decide on the same values."""
        with rejecting("the event"):
            return INTENT.decode(INTENT.encode(self.asking.event(event)))

    def _answer(self, given: ConfirmationAnswer, reply: Said) -> ConfirmationAnswer:
        with rejecting("the answer"):
            return ANSWER.decode(ANSWER.encode(self.asking.answer(given, reply)))

    def _outcome(self, outcome: Outcome) -> Outcome:
        with rejecting("the outcome"):
            return OUTCOME.decode(self.asking.outcome(outcome))

    def _keep_outcome(self, outcome: Outcome) -> None:
        try:
            self.report(outcome)
        except Exception as error:  # noqa: BLE001 - a report never fails the caller
            self.unreported(error)

    def _cause(self, error: Exception) -> tuple[str, str]:
        """Return the reason code of an error, and its sentence without a full stop.

        Raises:
            RejectedEvent: the caller's value is the cause.
        """
        if isinstance(error, RejectedEvent):
            raise error
        if isinstance(error, RecordError):
            raise RejectedEvent(str(error)) from None
        if isinstance(error, FileError):
            return error.code, str(error)
        if isinstance(error, NoBundleError):
            return error.code, f"No bundle can be used: {error}"
        if isinstance(error, SecretUnavailable):
            return "secret_unavailable", f"The household's tokens are not available: {error}"
        if isinstance(error, TimeoutError):
            patience = f"{self._settings.deadline_ms} ms"
            return (
                "file_timeout",
                f"The disk of {self._settings.path} did not respond within {patience}",
            )
        if isinstance(error, ThreadUnavailable):
            return "file_timeout", f"The disk of {self._settings.path} does not respond: {error}"
        return "client_error", f"The embedded hook failed ({type(error).__name__})"
