"""When a conversation ends, and which one a turn belongs to.

A conversation belongs to one device and has the ``session_id`` that the runtime gave it. Some runtimes give the same one for ever
(OVOS: ``default``), to all devices. So a conversation also ends by silence and by length, and what comes under its id afterwards is
another conversation. In a household's state that one has a name of its own: the id, a space, which no id holds, and a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from detector.contracts.clocks import apart
from detector.contracts.events import IntentEvent
from detector.household.state import HouseholdState, Session
from detector.policy.policy import Conversations

__all__ = ["new_name", "open_session", "said_id", "told_apart"]

#: How many times the length may be reached where a command is in the middle of being given.
_UNFINISHED = 2


def said_id(name: str) -> str:
    """Return the ``session_id`` that the runtime gave a conversation.

    >>> said_id("default 3"), said_id("s1")
    ('default', 's1')
    """
    return name.partition(" ")[0]


def open_session(
    state: HouseholdState, event: IntentEvent, rule: Conversations, at: float
) -> Session | None:
    """Return the conversation that a turn goes on with at the log's time ``at``; ``None`` where it begins another."""
    for session in reversed(state.sessions):
        if (said_id(session.session_id), session.device_id) == (event.session_id, event.device_id):
            return None if _is_over(session, rule, at) else session
    return None


def new_name(state: HouseholdState, event: IntentEvent) -> str:
    """Return the name of a new conversation: the runtime's id, with a number where the household still remembers one of that name."""
    taken = {session.session_id for session in state.sessions}
    taken |= {pending.session_id for pending in state.pending}
    taken |= {question.session_id for question in state.questions}
    if event.session_id not in taken:
        return event.session_id
    return next(
        name
        for name in (f"{event.session_id} {number}" for number in count(2))
        if name not in taken
    )


def told_apart(
    events: Iterable[IntentEvent], rule: Conversations
) -> Iterator[tuple[IntentEvent, tuple[str, str, int]]]:
    """Yield a stream's events, each with the conversation of its household: device, ``session_id``, and which under that id."""
    last: dict[tuple[str, str, str], tuple[float, int, int]] = {}
    for event in events:
        key = (event.household_id, event.device_id, event.session_id)
        seconds, turns, number = last.get(key, (event.seconds, 0, 1))
        if turns >= rule.turns or apart(event.seconds, seconds) >= rule.silence_seconds:
            turns, number = 0, number + 1
        last[key] = event.seconds, turns + 1, number
        yield event, (event.device_id, event.session_id, number)


def _is_over(session: Session, rule: Conversations, at: float) -> bool:
    most = rule.turns if session.chain is None else _UNFINISHED * rule.turns
    return session.turns >= most or apart(at, session.seconds) >= rule.silence_seconds
