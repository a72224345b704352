from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from detector.contracts.labels import Label, LabelEffect, LabelKind
from streams.desk import label_pages
from streams.errors import DependencyUnavailable
from streams.kafka.reading import Place
from streams.kafka.topics import INTENTS
from streams.lifecycle.labels import Labelled
from tests.streams.desk.desk import ACME, Desk, desk_of_every_tenant

FORM = {"household": ACME, "event": "e12", "label": "misfire"}


class Worker:
    """Answers labels, in place of the log and a worker."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.effect: LabelEffect | None = LabelEffect.UNLEARNED

    def __call__(self, _: Any, event_id: str, label: LabelKind, **more: Any) -> Labelled:
        self.asked.append({"event_id": event_id, "label": label} | more)
        applied = Label(
            label_id="l",
            event_id=event_id,
            household_id=more["household_id"],
            label=label,
            why=more["why"],
            by=more["by"],
            time=datetime.now(UTC),
            effect=self.effect,
        )
        return Labelled(applied, None, Place(INTENTS, 0, 7))  # type: ignore[arg-type]


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    found = Worker()
    monkeypatch.setattr(label_pages, "label_event", found)
    return found


@pytest.fixture
def desk() -> Desk:
    return desk_of_every_tenant()


def post(desk: Desk, **form: str) -> Any:
    return desk.client.post("/desk/label", data=FORM | {"csrf": desk.csrf()} | form)


def test_a_label_says_what_it_changed(desk: Desk, worker: Worker) -> None:
    answer = desk.client.post(
        "/desk/label", data=FORM | {"csrf": desk.csrf()}, headers={"x-desk": "1"}
    )

    assert answer.text == (
        "Labelled misfire. The household no longer counts the command as one of its habits."
    )
    (asked,) = worker.asked
    assert (asked["event_id"], asked["label"]) == ("e12", LabelKind.MISFIRE)
    assert (asked["household_id"], asked["why"]) == (ACME, "reviewed at the desk")
    assert post(desk, why="the radio was on", label="withdrawn").status_code == 200
    assert worker.asked[1]["why"] == "the radio was on"


def test_a_label_without_a_worker_waits_in_the_log(desk: Desk, worker: Worker) -> None:
    worker.effect = None

    assert post(desk).status_code == 202


def test_every_effect_has_a_sentence() -> None:
    assert set(label_pages.EFFECTS) == set(LabelEffect)


def test_another_word_is_no_label(desk: Desk, worker: Worker) -> None:
    assert post(desk, label="perhaps").status_code == 422
    assert not worker.asked


def test_a_missing_broker_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> Labelled:
        raise DependencyUnavailable("no broker answers")

    monkeypatch.setattr(label_pages, "label_event", missing)

    answer = post(desk)
    assert (answer.status_code, "no broker answers" in answer.text) == (503, True)
