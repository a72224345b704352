"""The boundaries of conversations: when one ends, and to which one a turn belongs.

A conversation belongs to one device and has the ``session_id`` that the runtime gave it. Some
runtimes use the same id permanently and for all devices (OVOS: ``default``). A conversation
therefore also ends after a silence or a number of turns, and later turns with the same id belong to
another conversation. The household's state names that conversation by the id, a space and a number;
an id cannot contain a space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from detector.contracts.clocks import apart
from detector.contracts.events import IntentEvent
from detector.household.state import HouseholdState, Session
from detector.policy.policy import Conversations

__all__ = ["new_name", "open_session", "runtime_session_id", "with_conversations"]

#: A conversation with an open chain may be this many times longer than the limit.
_OPEN_CHAIN_FACTOR = 2


def runtime_session_id(name: str) -> str:
    """Return the ``session_id`` that the runtime gave a conversation.

    >>> runtime_session_id("default 3"), runtime_session_id("s1")
    ('default', 's1')
    """
    return name.partition(" ")[0]


def open_session(
    state: HouseholdState, event: IntentEvent, rule: Conversations, at: float
) -> Session | None:
    """Return the conversation that a turn continues at the log's time ``at``.

    Return ``None`` if the turn begins another conversation.
    """
    for session in reversed(state.sessions):
        if (runtime_session_id(session.session_id), session.device_id) == (
            event.session_id,
            event.device_id,
        ):
            return None if _is_over(session, rule, at) else session
    return None


def new_name(state: HouseholdState, event: IntentEvent) -> str:
    """Return the name of a new conversation.

    It is the runtime's id, with a number appended if the household's state still contains that
    name.
    """
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


def with_conversations(
    events: Iterable[IntentEvent], rule: Conversations
) -> Iterator[tuple[IntentEvent, tuple[str, str, int]]]:
    """Yield the events of a stream, each with the key of its conversation within the household.

    The key is the device, the ``session_id`` and the number of the conversation with that id.
    """
    last: dict[tuple[str, str, str], tuple[float, int, int]] = {}
    for event in events:
        key = (event.household_id, event.device_id, event.session_id)
        seconds, turns, number = last.get(key, (event.seconds, 0, 1))
        if turns >= rule.turns or apart(event.seconds, seconds) >= rule.silence_seconds:
            turns, number = 0, number + 1
        last[key] = event.seconds, turns + 1, number
        yield event, (event.device_id, event.session_id, number)


def _is_over(session: Session, rule: Conversations, at: float) -> bool:
    limit = rule.turns if session.chain is None else _OPEN_CHAIN_FACTOR * rule.turns
    return session.turns >= limit or apart(at, session.seconds) >= rule.silence_seconds
