from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from detector.contracts.decisions import RiskClass, Rung, Verdict
from detector.contracts.events import OutcomeKind
from detector.contracts.labels import Label, LabelEffect, LabelKind
from streams.desk.evidence import events_of
from streams.desk.filters import Filters
from streams.desk.index import Index, Kind
from streams.desk.queries import PAGE, Queries
from streams.desk.records import add_record
from streams.desk.rows import Cursor
from streams.desk.shadows import shadows_of
from streams.kafka.topics import DECISIONS, INCIDENTS, INTENTS, LABELS, OUTCOMES, SHADOWS
from streams.wire.late_answer import LATE, LateAnswer
from streams.wire.records import COMMAND, DECISION, LABEL, OUTCOME, Command, HouseholdCommand
from streams.wire.shadow_verdict import SHADOW_VERDICT, ShadowVerdict
from tests.detector.builders import ABSURD, DOUBTFUL, START, SURE, outcome
from tests.streams.desk.desk import ACME, BOLT, fill, sessions_of
from tests.streams.shadow_verdicts import shadowed

NOW = START.timestamp() + 86_400


def index_of(*wakes: float, household: str = ACME) -> Index:
    index = Index()
    fill(index, sessions_of(household, list(wakes)))
    return index


def verdicts(index: Index, **filters: str) -> list[str]:
    rows = Queries(index, None).queue(Filters.of(filters), NOW)
    return [row.decision.verdict.value for row in rows]


def test_the_queue_contains_interruptions_the_latest_first() -> None:
    assert verdicts(index_of(SURE, DOUBTFUL, ABSURD)) == ["block", "confirm"]


def test_filters_select() -> None:
    index = index_of(SURE, DOUBTFUL, ABSURD)

    assert verdicts(index, risk="private_outbound") == ["block", "confirm"]
    assert verdicts(index, risk="physical") == []
    assert verdicts(index, kind="late") == []
    assert verdicts(index, kind="interrupted", household=ACME) == ["block", "confirm"]
    assert verdicts(index, household=BOLT) == []
    assert verdicts(index, reason="wake_confidence") == ["block", "confirm"]
    assert verdicts(index, reason="wake") == []
    assert verdicts(index, since="day") == ["block", "confirm"]
    assert verdicts(index, since="hour") == []
    (bundle,) = Queries(index, None).values("bundle")
    assert verdicts(index, bundle=bundle[:6]) == ["block", "confirm"]
    assert verdicts(index, risk="' OR 1 --") == ["block", "confirm"]


def labelled(label: LabelKind, number: int = 0) -> Label:
    return Label(
        label_id=f"l{number}",
        event_id="e12",
        household_id=ACME,
        label=label,
        why="the radio was on",
        by="alice",
        time=datetime.now(UTC),
        effect=LabelEffect.UNCHANGED,
    )


def test_a_label_takes_a_decision_off_the_queue() -> None:
    index = index_of(DOUBTFUL, ABSURD)
    value = LABEL.encode(labelled(LabelKind.MISFIRE))
    add_record(index, LABELS, [], value, NOW)

    assert verdicts(index) == ["confirm"]
    assert verdicts(index, state="labelled") == ["block"]
    assert verdicts(index, state="all") == ["block", "confirm"]


def test_the_latest_label_counts_and_may_come_before_its_decision() -> None:
    index = Index()
    for number, label in enumerate((LabelKind.MEANT, LabelKind.WITHDRAWN, LabelKind.MISFIRE)):
        index.add_label(labelled(label, number), NOW)
    fill(index, sessions_of(ACME, [SURE, ABSURD]))
    assert verdicts(index, state="labelled") == ["block"]

    index.add_label(labelled(LabelKind.WITHDRAWN, 4), NOW)

    assert verdicts(index) == ["block"]
    turn = Queries(index, None).turn(ACME, "e12")
    assert turn is not None
    assert events_of(turn.notes)[-1].text == "Labelled withdrawn by alice: the radio was on."


def test_changes_since_a_change_are_found() -> None:
    index = index_of(DOUBTFUL, ABSURD)
    before = index.changes
    queries, filters = Queries(index, None), Filters.of({})
    assert queries.changed(filters, NOW, before) == []

    index.add_label(labelled(LabelKind.MEANT), NOW)

    (row,) = queries.changed(filters, NOW, before)
    assert (row.decision.event_id, row.label) == ("e12", "meant")


def test_pages_follow_each_other_without_gaps() -> None:
    index = index_of(*[ABSURD] * (PAGE + 3))
    queries, filters = Queries(index, None), Filters.of({"state": "all"})

    first = queries.queue(filters, NOW * 2)
    second = queries.queue(filters, NOW * 2, Cursor.read(str(first[-1].cursor)))

    assert (len(first), len(second)) == (PAGE, 3)
    assert queries.count(filters, NOW * 2) == PAGE + 3
    assert len({row.cursor.seq for row in (*first, *second)}) == PAGE + 3


@pytest.mark.parametrize(
    "text", ["", "1.0,x", "nan,1", "inf,1", "-1.0,1", "1.0,-1", f"1.0,{10**20}"]
)
def test_a_cursor_that_is_not_one_starts_at_the_beginning(text: str) -> None:
    assert Cursor.read(text) is None


@pytest.mark.parametrize("tenant", ["acme", None])
def test_a_page_of_the_queue_is_read_in_order(tenant: str | None) -> None:
    queries = Queries(index_of(ABSURD), tenant)
    plans = list[str]()
    with queries._index.reading() as database:
        database.set_trace_callback(plans.append)
        (row,) = queries.queue(Filters(), NOW)
        queries.queue(Filters(), NOW, row.cursor)
        queries.changed(Filters(), NOW, 0)
        database.set_trace_callback(None)
        for query in plans:
            steps = [step["detail"] for step in database.execute(f"EXPLAIN QUERY PLAN {query}")]
            # One search, and no sorting of everything that the tenant has.
            assert len(steps) == 1, (query, steps)


def test_the_turns_of_a_chain_add_up_to_its_bits() -> None:
    queries = Queries(index_of(SURE, ABSURD), None)
    (row,) = queries.queue(Filters(), NOW)

    chain = queries.chain(row)

    assert [turn.row.decision.event_id for turn in chain] == ["e10", "e11", "e12"]
    assert [turn.act for turn in chain] == ["initiate", "inform", "affirm"]
    total = sum(turn.row.decision.event_bits for turn in chain)
    assert abs(total - row.decision.surprisal_bits) < 1e-5


def test_a_tenant_sees_its_own_households_only() -> None:
    index = index_of(ABSURD)
    fill(index, sessions_of(BOLT, [ABSURD]))
    queries = Queries(index, "acme")

    assert {row.decision.household_id for row in queries.queue(Filters(), NOW)} == {ACME}
    assert {row.decision.household_id for row in queries.changed(Filters(), NOW, 0)} == {ACME}
    assert {row.decision.household_id for row in queries.recent(100)} == {ACME}
    assert queries.turn(BOLT, "e2") is None
    assert queries.household(BOLT) == []
    assert queries.count(Filters(), NOW) == 1


def test_a_flood_evicts_its_own_tenant() -> None:
    index = Index(most=40)
    fill(index, sessions_of(BOLT, [ABSURD, ABSURD]))
    fill(index, sessions_of(ACME, [ABSURD] * 30))

    with index.reading() as database:
        counts = dict(database.execute("SELECT tenant, count(*) FROM decisions GROUP BY tenant"))
        (turns,) = database.execute("SELECT count(*) FROM turns").fetchone()
    assert counts["bolt"] == 6
    assert sum(counts.values()) <= 40
    assert turns <= 50


def test_what_belongs_to_no_decision_is_bounded_too() -> None:
    index = Index(most=100)
    fill(index, sessions_of(BOLT, [ABSURD]))
    shadow = shadow_of()
    for number in range(2_000):
        turn = replace(sessions_of(ACME, [SURE])[0], event_id=f"t{number}")
        index.add_turn(turn, NOW)
        index.add_note(ACME, f"n{number}", "outcome", NOW, b"{}")
        index.add_shadow(replace(shadow, event_id=f"s{number}"))
        index.forget(f"acme_{number}", NOW)

    with index.reading() as database:
        for table, most in (("turns", 110), ("notes", 200), ("shadows", 20)):
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count <= most
        (kept,) = database.execute("SELECT count(*) FROM turns WHERE tenant = 'bolt'").fetchone()
    assert kept == 3


def test_outcomes_and_late_answers_belong_to_their_decision() -> None:
    index = index_of(SURE)
    late = LateAnswer(
        event_id="e2",
        household_id=ACME,
        session_id="s0",
        intent="messages.SendMessage",
        risk_class=RiskClass.PRIVATE_OUTBOUND,
        answered=Verdict.CONFIRM,
        rung=Rung.GATEWAY,
        reason="deadline",
        decided=Verdict.ALLOW,
        decision_id="d",
        late_ms=12,
    )
    add_record(index, INCIDENTS, [], LATE.encode(late), NOW)
    told = outcome("e2", OutcomeKind.EXECUTED, household_id=ACME)
    add_record(index, OUTCOMES, [], OUTCOME.encode(told), NOW)
    add_record(index, OUTCOMES, [], OUTCOME.encode(told), NOW)

    (row,) = Queries(index, None).queue(Filters(kind="late"), NOW)
    assert row.kinds == Kind.LATE
    turn = Queries(index, None).turn(ACME, "e2")
    assert turn is not None
    assert [note.kind for note in turn.notes] == ["late", "outcome"]


def test_a_late_answer_may_come_before_its_decision() -> None:
    index = Index()
    index.add_note(ACME, "e2", "late", NOW, b"{}")
    fill(index, sessions_of(ACME, [SURE]))

    assert len(Queries(index, None).queue(Filters(kind="late"), NOW)) == 1


def shadow_of(session: int = 0, household: str = ACME, **fields: Any) -> ShadowVerdict:
    """Return a shadow's block of the command of a session that was allowed."""
    events = sessions_of(household, [SURE] * (session + 1))[3 * session :]
    return shadowed(events, **fields)


def test_a_shadow_that_differs_puts_an_allowed_command_on_the_queue() -> None:
    index = index_of(SURE, SURE, ABSURD)
    for _ in range(2):  # the worker may repeat the command
        add_record(index, SHADOWS, [], SHADOW_VERDICT.encode(shadow_of()), NOW)
    other = shadow_of(bundle="1" * 16, verdict=Verdict.CONFIRM, channel=None)
    add_record(index, SHADOWS, [], SHADOW_VERDICT.encode(other), NOW)

    assert verdicts(index) == ["block", "allow"]
    (row,) = Queries(index, None).queue(Filters(kind="shadow"), NOW)
    assert (row.kinds, row.shadows) == (Kind.SHADOW, (Verdict.BLOCK, Verdict.CONFIRM))
    turn = Queries(index, None).turn(ACME, "e2")
    assert turn is not None
    assert [each.name for each in shadows_of(turn.shadows)] == ["shadow-a", "shadow 11111111"]
    assert events_of(turn.notes) == []
    assert Queries(index, None).values("shadow_bundles") == {"0" * 16, "1" * 16}
    assert verdicts(index, bundle="1" * 8) == ["allow"]
    assert verdicts(index, bundle="2") == []


def test_a_shadows_verdict_may_come_before_its_decision() -> None:
    index = Index()
    index.add_shadow(shadow_of())
    fill(index, sessions_of(ACME, [SURE]))

    (row,) = Queries(index, None).queue(Filters(kind="shadow"), NOW)
    assert row.shadows == (Verdict.BLOCK,)


def test_a_shadows_verdict_that_follows_an_erasure_is_ignored() -> None:
    index = index_of(SURE)
    index.forget(ACME, NOW)

    # The worker wrote the record after the erasure, but the command was before it.
    add_record(index, SHADOWS, [], SHADOW_VERDICT.encode(shadow_of()), NOW + 10)

    with index.reading() as database:
        assert database.execute("SELECT count(*) FROM shadows").fetchone()[0] == 0


def test_shadows_of_one_tenant_are_not_those_of_another() -> None:
    index = index_of(SURE)
    fill(index, sessions_of(BOLT, [SURE]))
    index.add_shadow(shadow_of(household=BOLT))
    queries = Queries(index, "acme")

    assert queries.queue(Filters(kind="shadow"), NOW) == []
    assert queries.values("shadow_bundles") == set()


def test_the_bits_of_a_shadow_stand_beside_the_last_turns() -> None:
    (shadow,) = shadows_of([shadow_of()])
    *_, last = shadow.verdict.chain_bits

    assert [shadow.bits(place, 5) is None for place in range(5)] == [True, True, *[False] * 3]
    assert shadow.bits(4, 5) == shadow.bits(0, 1) == last


def test_an_erased_household_leaves_the_index() -> None:
    index = index_of(ABSURD)
    fill(index, sessions_of(BOLT, [ABSURD]))
    command = HouseholdCommand(
        command_id="c", command=Command.ERASE, household_id=ACME, time=datetime.now(UTC)
    )
    headers = COMMAND.headers("c", command.time, source="test")
    add_record(index, INTENTS, headers, COMMAND.encode(command), NOW)

    # The topics have no common order: a decision from before the erasure follows it.
    fill(index, sessions_of(ACME, [ABSURD]))

    rows = Queries(index, None).queue(Filters(), NOW)
    assert {row.decision.household_id for row in rows} == {BOLT}


def test_records_that_cannot_be_read_are_skipped() -> None:
    index = index_of(ABSURD)
    for value in (None, b"", b"{", json.dumps({"event_id": "e"}).encode()):
        for topic in (INTENTS, DECISIONS, OUTCOMES, INCIDENTS, SHADOWS):
            add_record(index, topic, [], value, NOW)
            add_record(index, topic, [("ce_type", b"unknown")], value, NOW)

    assert verdicts(index) == ["block"]


def test_a_redelivered_decision_is_added_once() -> None:
    index = index_of(ABSURD)
    (row,) = Queries(index, None).queue(Filters(), NOW)
    add_record(index, DECISIONS, [], DECISION.encode(row.decision), NOW)

    assert len(Queries(index, None).queue(Filters(), NOW)) == 1
