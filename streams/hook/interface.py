"""The interface that the hooks share: a runtime's adapter needs no more, whichever hook it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from detector.contracts.confirmations import ConfirmationResult
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import IntentEvent, Outcome

__all__ = ["AskingHook", "AsyncCommandHook", "CommandHook"]


class AskingHook(Protocol):
    """What an adapter needs of a ``CommandHook``. ``AsyncHook`` documents arguments and errors."""

    def decide(self, event: IntentEvent) -> Decision:
        """Return whether the chain that ``event`` belongs to was meant."""
        ...

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
        """Answer a decision's question."""
        ...

    def report(self, outcome: Outcome) -> bool:
        """Report what happened after a decision; return whether it was applied."""
        ...


class CommandHook(AskingHook, Protocol):
    """``Hook`` or ``EmbeddedHook``."""

    def close(self) -> None:
        """Release what the hook holds. A later call opens it again."""
        ...


class AsyncCommandHook(Protocol):
    """``AsyncHook`` or ``AsyncEmbeddedHook``."""

    async def decide(self, event: IntentEvent) -> Decision:
        """Return whether the chain that ``event`` belongs to was meant."""
        ...

    async def confirm(
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
        """Answer a decision's question."""
        ...

    async def report(self, outcome: Outcome) -> bool:
        """Report what happened after a decision; return whether it was applied."""
        ...

    async def close(self) -> None:
        """Release what the hook holds. A later call opens it again."""
        ...
