"""A desk without a broker: its index, its application and its sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from detector.contracts.events import IntentEvent
from detector.household.state import HouseholdState
from streams.desk.app import build_desk
from streams.desk.index import Index
from streams.desk.records import add_record
from streams.desk.sessions import Sessions
from streams.desk.tail import Tail
from streams.kafka.connection import Brokers
from streams.kafka.topics import DECISIONS, INTENTS
from streams.privacy.operator_api import Admission, Places, build_operator
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access
from streams.settings import Settings
from streams.wire.records import DECISION, INTENT
from tests.detector.builders import ABSURD, DOUBTFUL, SURE, hand_bundle, run, send_message

__all__ = ["ACME", "BOLT", "Desk", "desk_of_a_tenant", "fill", "sessions_of"]

ACME, BOLT = f"acme_{'0' * 32}", f"bolt_{'1' * 32}"


def sessions_of(household: str, wakes: list[float]) -> list[IntentEvent]:
    """Return a session of three turns for each confidence of the wake word, an hour apart."""
    return [
        each
        for number, wake in enumerate(wakes)
        for each in send_message(
            10 * number,
            session=f"s{number}",
            days=number / 24,
            household_id=household,
            wake_confidence=wake,
        )
    ]


def fill(index: Index, events: list[IntentEvent]) -> HouseholdState:
    """Decide on the events of one household, and add them to the index."""
    decisions, state = run(events, hand_bundle())
    for event, decision in zip(events, decisions, strict=True):
        headers = INTENT.headers(event.event_id, event.time, source="test")
        add_record(index, INTENTS, headers, INTENT.encode(event), event.seconds)
        add_record(index, DECISIONS, [], DECISION.encode(decision), event.seconds)
    return state


@dataclass
class Desk:
    """The desk over HTTP, with a confirm and a block of each of two tenants in its index."""

    guard: Guard
    clock: Callable[[], float] = lambda: 0.0
    index: Index = field(default_factory=Index)

    def __post_init__(self) -> None:
        for household in (ACME, BOLT):
            fill(self.index, sessions_of(household, [SURE, DOUBTFUL, ABSURD]))
        brokers, places = Brokers("nobody.invalid:9092"), Places()
        desk = build_desk(
            self.guard,
            self.index,
            Tail(brokers, self.index),
            Admission(brokers, places),
            settings=Settings(broker="nobody.invalid:9092"),
            sessions=Sessions(self.clock),
        )
        app = build_operator(brokers, self.guard, places=places, pages=("/desk", desk))
        self.client = TestClient(
            app,
            base_url="http://localhost",
            headers={"origin": "http://localhost"},
            follow_redirects=False,
        )

    def log_in(self, token: str) -> Any:
        """Log in with a token."""
        return self.client.post("/desk/login", data={"token": token})

    def csrf(self) -> str:
        """Return the value that the session's forms contain."""
        text: str = self.client.get("/desk/").text
        return text.partition('name="csrf" value="')[2].partition('"')[0]


def desk_of_a_tenant(folder: Path) -> Desk:
    """Return a desk that an operator of the tenant ``acme`` has logged in to."""
    sent, kept = new_token("acme", frozenset({Scope.OPERATE}), 1000)
    write_access(folder / "access.json", with_token(AccessFile(), kept, "acme"))
    found = Desk(Guard(folder / "access.json"))
    found.log_in(sent)
    return found


def desk_of_every_tenant() -> Desk:
    """Return a desk that the operator of all tenants has logged in to."""
    sent, own = new_token("operator", frozenset({Scope.OPERATE}), 1000)
    found = Desk(Guard(None, own))
    found.log_in(sent)
    return found
