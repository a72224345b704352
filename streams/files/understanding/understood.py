"""The result of understanding a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.contracts.events import CONVERSATION, Act, domain_of

__all__ = ["OTHER", "Understood"]

#: The intent of a text that neither the library nor a rule understands.
OTHER = "other.Request"
#: The acts of turns that are no command of their own.
_ACTS = {
    "conversation.Affirm": Act.AFFIRM,
    "conversation.Deny": Act.DENY,
    "conversation.Thanks": Act.THANK,
    "conversation.Bye": Act.END,
}


@dataclass(frozen=True, slots=True)
class Understood:
    """An intent with the words of its slots. The words must become tokens before they are kept."""

    intent: str
    slots: Mapping[str, str] = field(default_factory=dict)

    @property
    def act(self) -> Act:
        """The function of the turn in the dialogue."""
        return _ACTS.get(self.intent, Act.INITIATE)

    @property
    def commits(self) -> bool:
        """Whether an assistant acts on it."""
        return domain_of(self.intent) != CONVERSATION
