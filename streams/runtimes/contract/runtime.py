"""What the contract test needs of a runtime: say a command, answer a question, see what ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

__all__ = ["HARMFUL", "HARMLESS", "PIN", "PROOF_KEY", "Command", "Runtime", "Turn"]

#: The commands of the test: one that the policy allows without a decision, and one that it does
#: not. Every runtime under test has handlers for both.
HARMLESS, HARMFUL = "lights.TurnOn", "messages.SendMessage"
#: For ``Gate(pin=…, proof_key=…)`` of a runtime under test: simulated days check proofs.
PIN, PROOF_KEY = "4711", b"of simulated days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that the user speaks to a device.

    ``time`` is when, for simulated days; ``None`` is now.
    """

    intent: str
    slots: Mapping[str, str] = field(default_factory=dict)
    device: str = "kitchen"
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What the runtime did in answer to the user.

    Attributes:
        ran: the intents whose handlers ran, in order.
        said: what the user heard; empty if nothing.
        asks: whether the runtime now waits for the user's answer.
        cpu_ms: milliseconds of CPU that a runtime in another process used for the turn.
    """

    ran: Sequence[str] = ()
    said: str = ""
    asks: bool = False
    cpu_ms: float = 0.0


class Runtime(Protocol):
    """A runtime under test, with its adapter."""

    def say(self, command: Command) -> Turn:
        """Speak a command; return when the turn is over."""

    def answer(self, accepted: bool) -> Turn:
        """Answer the runtime's question; return when the turn is over."""
