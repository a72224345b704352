"""The embedded hook for synchronous callers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label, LabelKind
from streams.embedded.hook_base import CLOSE_SECONDS, EmbeddedBase
from streams.embedded.serving import CONFIRM_SECONDS
from streams.hook.calls import announced
from streams.hook.command_guard import guarding
from streams.hook.protocol import Said

__all__ = ["EmbeddedHook"]

P = ParamSpec("P")
R = TypeVar("R")


class EmbeddedHook(EmbeddedBase):
    """Decides in the runtime's own process, without a broker, a server or a network.

    It has the methods of ``Hook`` and gives the decisions of a worker with the same bundle. The
    states of its households are in one SQLite file, and so are their events, decisions, outcomes
    and answers of the last ``keep_days`` days. Threads, several processes and the children of a
    fork can share a file.

    The constructor reads the bundle, which takes about half a second. It does not open the file. A
    decision runs in a thread of the hook's own; ``misfire bench embedded`` measures it. If the file
    or the bundle cannot be used, or the disk does not respond before the deadline, the policy
    answers: the decision has the rung ``policy``, is ``degraded`` and gives the reason, which is
    logged as well. Rules of the file that could be read make such an answer stricter.

    Args:
        path: the household file. It is created with mode 0600 if it does not exist; its folder must
            exist.
        bundle: the bundle, or its directory; defaults to the packaged starter bundle.
        bundle_public_key: a file with the public key that must have signed the bundle's directory;
            without it, unsigned bundles are accepted.
        policy: a policy, or its file, in place of the bundle's.
        allow_unready: let a bundle decide although, on simulated misfires, its decisions cost more
            than a rule without a model.
        deadline_ms: the deadline of ``decide`` and ``report``, in milliseconds.
        tokens: replaces slot values and ids by keyed tokens before they are stored. Without it,
            slot values must already be tokens; other values are rejected.
        confirmation_key: the key that checks the proofs of confirmations by PIN and push
            notification (``detector.contracts.confirmations.proof_of``). Without it, those methods
            are not offered, and commands that need them are blocked.
        keep_days: days for which events and decisions are kept. The learned state is kept
            without a limit.
        observers: called after each call with its ``Call``, in the calling thread.
        now: the clock for arrivals, in seconds since the epoch.

    Raises:
        InvalidValue: an argument is invalid; the message names it.
        UnreadyBundle: the bundle is not ready to enforce.
        PolicyError, DependencyUnavailable: the given policy or public key cannot be used.
    """

    def decide(self, event: IntentEvent) -> Decision:
        """Return whether the chain of ``event`` was meant.

        Raises:
            RejectedEvent: the event contains something that may not be stored, or its ``event_id``
                belongs to another event.
        """
        began = time.monotonic()
        try:
            decision = self._serving.decide(event).result(self._serving.deadline)
        except Exception as error:  # noqa: BLE001 - every fault gets the fallback
            decision = self._serving.decided_without(event, error)
        return announced(self._observers, began, decision)

    def confirm(
        self,
        decision: Decision,
        method: ConfirmMethod,
        *,
        accepted: bool = True,
        slots: Mapping[str, str] | None = None,
        proof: str | None = None,
        said: str = "",
        heard: IntentEvent | None = None,
        household_id: str | None = None,
    ) -> ConfirmationResult:
        """Answer a decision's question. See ``AsyncHook.confirm`` for the arguments.

        Raises:
            RejectedEvent: the decision asks nothing, or the answer is invalid.
        """
        began = time.monotonic()
        given, result = self._serving.question(decision, method, accepted=accepted)
        reply = Said(slots=slots, proof=proof, said=said, heard=heard, household_id=household_id)
        if result is None:
            try:
                result = self._serving.confirm(given, reply).result(CONFIRM_SECONDS)
            except Exception as error:  # noqa: BLE001 - a fault never confirms
                result = self._serving.unconfirmed(given, error)
        return announced(self._observers, began, result)

    def report(self, outcome: Outcome) -> bool:
        """Report what happened after a decision; return whether it was applied.

        Raises:
            RejectedEvent: ``outcome`` is invalid.
        """
        began = time.monotonic()
        try:
            applied = self._serving.report(outcome).result(self._serving.deadline)
        except Exception as error:  # noqa: BLE001 - a report never fails the caller
            applied = self._serving.unreported(error)
        return announced(self._observers, began, applied)

    def label(
        self, event_id: str, label: LabelKind, *, why: str, by: str = "household"
    ) -> Label | None:
        """Say whether the command of an event was meant; the household learns from it at once.

        The latest label of an event counts, and outranks its outcomes. A label lets no command run.
        Return the label with its effect, or ``None`` if the file cannot be used, which is logged.

        Args:
            event_id: the event.
            label: what it was; ``LabelKind.WITHDRAWN`` takes a label back.
            why: the reason, which quotes nothing that was spoken.
            by: the person.

        Raises:
            RejectedEvent: the file has no decision on the event, or an argument is invalid.
        """
        try:
            return self._serving.label(event_id, label, why=why, by=by).result(CONFIRM_SECONDS)
        except Exception as error:  # noqa: BLE001 - a label never fails the caller
            self._serving.unlabelled(error)
            return None

    def guard(
        self,
        event_of: Callable[P, IntentEvent],
        *,
        ask: Callable[[Decision], ConfirmationResult] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator for a command handler; see ``AsyncHook.guard``."""
        return guarding(self.decide, event_of, ask)

    def close(self) -> None:
        """Close the file and end the thread. A later call opens them again."""
        self._serving.close(CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
