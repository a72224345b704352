"""A command that waits for its confirmation, and what its guard does with the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from homeassistant.helpers import intent

if TYPE_CHECKING:
    from streams.hook import OutcomeKind
    from streams.runtimes import Ruling

    from .opening import Opened

__all__ = ["Guarding", "Question"]


class Guarding(Protocol):
    """What questions need of the guard."""

    opened: asyncio.Future[Opened]

    async def run(
        self, ruling: Ruling, handler: intent.IntentHandler, intent_obj: intent.Intent
    ) -> intent.IntentResponse:
        """Run a command that was allowed or confirmed."""

    def report(self, ruling: Ruling, outcome: OutcomeKind) -> None:
        """Report what happened to a command."""

    def announce(self, ruling: Ruling, result: str = "") -> None:
        """Announce a ruling, or the result of its question."""


@dataclass(slots=True)
class Question:
    """A command that waits for its confirmation.

    ``wrong`` counts wrong replies, ``listens`` says whether the assistant understands replies to
    this question, and ``timer`` cancels its expiry.
    """

    ruling: Ruling
    handler: intent.IntentHandler
    command: intent.Intent
    wrong: int = 0
    listens: bool = False
    timer: Callable[[], None] | None = None

    @property
    def id(self) -> str:
        """The confirmation's id; a question without one cannot be answered."""
        asked = self.ruling.decision.confirm
        return (asked.confirmation_id if asked else None) or ""
