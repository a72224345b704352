"""What the synchronous and the asynchronous embedded hook share: their parts and their fallbacks.

The fallback is the policy's, as when a ``Hook`` reaches no gateway: rung ``policy``, ``degraded``,
with a reason and a warning in the log. The rules of the file can make it stricter, as far as they
could be read.
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
from detector.decision.rule_set import RuleBook
from detector.policy.fallback import outcome_of_fallback
from detector.policy.policy import Policy
from streams.embedded.causes import cause_of
from streams.embedded.home import Home
from streams.embedded.household_file import FileError, HouseholdFile
from streams.embedded.policy_answers import policy_answer
from streams.embedded.rules import NoBundleError, read_rules
from streams.embedded.serial_thread import SerialThread, ThreadUnavailable
from streams.hook.calls import warn
from streams.hook.protocol import NO_QUESTION, Asking, Said
from streams.hook.rejecting import check_is, rejecting
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
    """The thread of one process and its open file; neither may cross a fork.

    ``home`` is ``None`` without a bundle. The file then only supplies the rules.
    """

    thread: SerialThread
    file: HouseholdFile
    home: Home | None


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
        if isinstance(cause := self._bundle, NoBundleError):
            return self._running().thread.submit(lambda: self._by_policy(event, cause))
        at = self._settings.now()
        return self._submit(lambda home: home.decide(self._event(event), at))

    def decided_without(self, event: IntentEvent, error: Exception) -> Decision:
        """Return the fallback after an error of ``decide``.

        Raises:
            RejectedEvent: the event is the cause.
        """
        code, text = self._cause(error)
        if isinstance(self._bundle, NoBundleError):
            return self._fallback(event, *self._cause(self._bundle))
        decision = self._fallback(event, code, text)
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
            process.thread.submit(process.file.close)
        except ThreadUnavailable as error:
            warn("the household file could not be closed: %s", error)
        process.thread.stop(patience)

    def _submit(self, work: Callable[[Home], T]) -> Future[T]:
        """Run a call in this process's thread.

        Raises:
            NoBundleError, ThreadUnavailable: nothing can run it.
        """
        if isinstance(self._bundle, NoBundleError):
            raise self._bundle
        process = self._running()
        home = process.home
        if home is None:
            raise AssertionError("a process with a bundle has a home")
        return process.thread.submit(lambda: work(home))

    def _running(self) -> _Process:
        process = self._processes.get(os.getpid())
        return process or self._processes.setdefault(os.getpid(), self._process())

    def _process(self) -> _Process:
        file = HouseholdFile(self._settings.path, patience=self.deadline * _LOCK_SHARE)
        home = None
        if isinstance(self._bundle, Bundle):
            home = Home(
                file,
                self._bundle,
                confirmation_key=self._settings.confirmation_key,
                keep_days=self._settings.keep_days,
            )
        tidy = home.tidy if home is not None else lambda: None
        return _Process(SerialThread(between=tidy), file, home)

    def _by_policy(self, event: IntentEvent, cause: NoBundleError) -> Decision:
        """Read the rules, and answer without a bundle; this runs in the hook's thread.

        A file that does not exist has no rules, and is not created.
        """
        if self._settings.path.exists():
            try:
                with self._running().file.transaction() as transaction:
                    transaction.rules()
            except FileError as error:
                warn("the rules cannot be read: %s", error)
        return self._fallback(event, *self._cause(cause))

    def _fallback(self, event: IntentEvent, code: str, text: str) -> Decision:
        process = self._processes.get(os.getpid())
        return policy_answer(
            event,
            self.asking.policy,
            RuleBook() if process is None else process.file.last_rules,
            code=code,
            text=text,
            stored=self._event,
            now=self._settings.now,
        )

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
        return cause_of(error, self._settings.path, self._settings.deadline_ms)
