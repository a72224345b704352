"""A simulated town for training in tests: a dozen households with habits, made from templates.

The tests of the core use it instead of ``detector.simulation.households``, which may change at any
time.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import numpy as np

from detector.contracts.events import Act, IntentEvent
from tests.detector.builders import START, event

Turn = tuple[str, Act, bool, tuple[str, ...]]

_SEND, _CALL, _BUY = "messages.SendMessage", "calls.PlaceCall", "shopping.BuyItem"
_FIND, _PLAY, _LIGHT = "music.FindSongs", "music.PlaySong", "lights.TurnOn"
#: The dialogues of each domain: turns of (intent, act, commits, slots).
TEMPLATES: dict[str, list[list[Turn]]] = {
    "messages": [
        [
            (_SEND, Act.INITIATE, False, ()),
            (_SEND, Act.INFORM, False, ("contact",)),
            (_SEND, Act.AFFIRM, True, ()),
        ],
        [(_SEND, Act.INITIATE, False, ("contact", "text")), (_SEND, Act.AFFIRM, True, ())],
    ],
    "calls": [[(_CALL, Act.INITIATE, True, ("contact",))]],
    "music": [
        [
            (_FIND, Act.INITIATE, False, ("artist",)),
            (_FIND, Act.ASK, False, ()),
            (_PLAY, Act.SELECT, False, ()),
            (_PLAY, Act.AFFIRM, True, ()),
        ],
        [(_PLAY, Act.INITIATE, True, ("artist",))],
    ],
    "lights": [[(_LIGHT, Act.INITIATE, True, ("room",))]],
    "shopping": [
        [
            ("shopping.FindItem", Act.INITIATE, False, ("item",)),
            (_BUY, Act.INITIATE, False, ()),
            (_BUY, Act.INFORM, False, ("amount",)),
            (_BUY, Act.AFFIRM, True, ()),
        ]
    ],
}


def town(households: int = 12, sessions: int = 30, seed: int = 0) -> list[IntentEvent]:
    """Return the town's events in order of time, all meant; the same seed gives the same events."""
    rng = np.random.default_rng(seed)
    events = [
        each
        for number in range(households)
        for each in _household(f"home{number}", sessions, rng, number)
    ]
    return sorted(events, key=lambda each: (each.time, each.event_id))


def _token(value: str) -> str:
    return f"k1_{hashlib.sha256(value.encode()).hexdigest()[:16]}"


def _household(
    name: str, sessions: int, rng: np.random.Generator, number: int
) -> list[IntentEvent]:
    domains = list(TEMPLATES)
    taste = rng.dirichlet(np.full(len(domains), 0.6))
    events: list[IntentEvent] = []
    for session in range(sessions):
        begin = START + timedelta(days=session, hours=float(rng.integers(0, 4)), minutes=number)
        first = len(events)
        for _ in range(1 + int(rng.random() < 0.3)):
            template = TEMPLATES[domains[rng.choice(len(domains), p=taste)]]
            for intent, act, commits, slots in template[rng.integers(len(template))]:
                events.append(
                    event(
                        event_id=f"{name}-{len(events)}",
                        time=begin + timedelta(seconds=12 * (len(events) - first)),
                        household_id=name,
                        session_id=f"{name}-{session}",
                        intent=intent,
                        act=act,
                        commits=commits,
                        slots={slot: _token(f"{name} {slot} {rng.integers(3)}") for slot in slots},
                        wake_confidence=round(float(rng.beta(9, 2)), 3) if number % 3 else None,
                    )
                )
    return events
