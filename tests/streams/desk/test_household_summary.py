from __future__ import annotations

from detector.contracts.events import OutcomeKind
from streams.desk.household_summary import summarize
from streams.desk.index import Index
from streams.desk.queries import Queries
from streams.desk.records import add_record
from streams.kafka.topics import OUTCOMES
from streams.wire.records import OUTCOME
from tests.detector.builders import ABSURD, START, SURE, outcome
from tests.streams.desk.desk import ACME, fill, sessions_of


def test_a_household_is_summarized() -> None:
    index = Index()
    fill(index, sessions_of(ACME, [SURE, SURE, ABSURD]))
    told = outcome("e2", OutcomeKind.UNDONE, household_id=ACME)
    add_record(index, OUTCOMES, [], OUTCOME.encode(told), START.timestamp() + 60)

    summary = summarize(Queries(index, "acme").household(ACME))

    assert (summary.commands, summary.interrupted) == (3, 1)
    # START is a Monday, 18:00; the sessions are an hour apart.
    assert [summary.week[0][hour].commands for hour in (17, 18, 19, 20)] == [0, 1, 1, 1]
    assert summary.week[0][20].interrupted == 1
    (chain,) = summary.chains
    assert (chain.intents, chain.times, chain.interrupted) == (("messages.SendMessage",), 3, 1)
    ((turn, event),) = summary.lessons
    assert turn.row.decision.event_id == "e2"
    assert event.text == "Outcome undone, reported by the runtime."


def test_a_household_without_decisions_is_empty() -> None:
    summary = summarize([])

    assert (summary.commands, summary.chains, summary.lessons) == (0, (), ())
