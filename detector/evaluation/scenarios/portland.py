"""The Portland chain next to an honest one, with commands from a stream's own vocabulary.

In May 2018, an Echo in Portland heard "send message", a contact, and "right" in background talk.
Here, the household that uses the command's domain least hears the same three turns. The honest
chain is the last such command of the household that gives it most often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import Act, IntentEvent, domain_of
from detector.decision.bundle import Bundle
from detector.evaluation.playing import play
from detector.household.grouping import sessions_by_household

__all__ = ["PlayedChain", "Turn", "portland"]

#: Confidences of background talk that resembles a wake word, where the runtime reports any.
_BACKGROUND = {"wake_confidence": 0.38, "asr_confidence": 0.55, "intent_confidence": 0.66}
#: Risk classes to choose the command from, the most similar to Portland's message first.
_RISKS = (RiskClass.PRIVATE_OUTBOUND, RiskClass.PURCHASE, RiskClass.PHYSICAL, RiskClass.REVERSIBLE)
#: The most turns to show before a command.
_MOST_TURNS = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a chain and its surprisal in bits; higher is rarer."""

    intent: str
    act: str
    bits: float


@dataclass(frozen=True, slots=True)
class PlayedChain:
    """A chain with the decision on it; ``name`` describes the chain."""

    name: str
    turns: tuple[Turn, ...]
    verdict: Verdict
    misfire_probability: float


def portland(
    events: Sequence[IntentEvent], bundle: Bundle, misfires: Collection[str] = frozenset()
) -> tuple[PlayedChain, PlayedChain] | None:
    """Replay the Portland chain and an honest one, each after its household's earlier events.

    Args:
        events: the stream.
        bundle: the bundle that decides.
        misfires: ids of its events that were not meant; they are left out.

    Returns:
        The Portland chain and the honest one, or ``None`` if no command of the stream takes more
        than one turn.
    """
    households = sessions_by_household(event for event in events if event.event_id not in misfires)
    histories = {
        name: [event for session in sessions for event in session]
        for name, sessions in households.items()
    }
    intent = _command(histories.values(), bundle)
    if intent is None:
        return None
    honest = max(histories, key=lambda name: _count(histories[name], intent))
    quiet = min(
        histories,
        key=lambda name: (
            _domain_uses(histories[name], intent),
            -len(histories[name]),
        ),
    )
    last = max(
        place for place, event in enumerate(histories[honest]) if _takes_turns(event, intent)
    )
    chain = _chain(histories[honest], last)
    slots = {
        name: token
        for event in chain
        if event.intent == intent
        for name, token in event.slots.items()
    }
    heard = _heard(histories[quiet][-1], intent, slots)
    return (
        _played(
            "heard in background talk, as in Portland", [*histories[quiet], *heard], heard, bundle
        ),
        _played(
            "from a household that often uses it", histories[honest][: last + 1], chain, bundle
        ),
    )


def _command(histories: Collection[Sequence[IntentEvent]], bundle: Bundle) -> str | None:
    """Return the most frequent command of several turns in the first risk class that has one."""
    often = Counter(
        event.intent
        for events in histories
        for event in events
        if _takes_turns(event, event.intent)
    )
    if not often:
        return None
    return min(
        often,
        key=lambda intent: (
            _RISKS.index(risk)
            if (risk := bundle.policy.risk_class(intent)) in _RISKS
            else len(_RISKS),
            -often[intent],
        ),
    )


def _takes_turns(event: IntentEvent, intent: str) -> bool:
    return event.intent == intent and event.commits and event.act is not Act.INITIATE


def _count(events: Sequence[IntentEvent], intent: str) -> int:
    return sum(_takes_turns(event, intent) for event in events)


def _domain_uses(events: Sequence[IntentEvent], intent: str) -> int:
    return sum(event.domain == domain_of(intent) for event in events)


def _chain(events: Sequence[IntentEvent], last: int) -> Sequence[IntentEvent]:
    """Return the turns of a command's session and domain up to the command."""
    first = last
    while first and (events[first - 1].session_id, events[first - 1].domain) == (
        events[last].session_id,
        events[last].domain,
    ):
        first -= 1
    return events[first : last + 1][-_MOST_TURNS:]


def _heard(after: IntentEvent, intent: str, slots: dict[str, str]) -> list[IntentEvent]:
    """Return Portland's three turns, an hour after a household's last event."""
    turns: tuple[tuple[Act, dict[str, str]], ...] = (
        (Act.INITIATE, {}),
        (Act.INFORM, slots),
        (Act.AFFIRM, {}),
    )
    given: dict[str, Any] = {
        name: None if getattr(after, name) is None else value for name, value in _BACKGROUND.items()
    }
    return [
        IntentEvent(
            event_id=f"portland-{number}",
            time=after.time + timedelta(hours=1, seconds=12 * number),
            household_id=after.household_id,
            device_id=after.device_id,
            session_id="portland",
            intent=intent,
            act=act,
            commits=act is Act.AFFIRM,
            slots=said,
            runtime=after.runtime,
            **given,
        )
        for number, (act, said) in enumerate(turns)
    ]


def _played(
    name: str, events: Sequence[IntentEvent], chain: Sequence[IntentEvent], bundle: Bundle
) -> PlayedChain:
    decided: dict[str, Decision] = {
        event.event_id: decision for event, decision in play(events, bundle, frozenset())
    }
    decisions = [decided[event.event_id] for event in chain]
    return PlayedChain(
        name,
        tuple(
            Turn(event.intent, event.act.value, round(decision.event_bits, 4))
            for event, decision in zip(chain, decisions, strict=True)
        ),
        decisions[-1].verdict,
        decisions[-1].misfire_probability or 0.0,
    )
