from __future__ import annotations

import pytest

from streams.desk.evidence import account_of, steps_of
from streams.desk.filters import Filters
from streams.desk.index import Index
from streams.desk.queries import Queries
from tests.detector.builders import ABSURD, DOUBTFUL
from tests.streams.desk.desk import ACME, fill, sessions_of


@pytest.fixture
def queries() -> Queries:
    index = Index()
    fill(index, sessions_of(ACME, [DOUBTFUL, ABSURD]))
    return Queries(index, None)


def test_the_evidence_adds_up_to_the_probability(queries: Queries) -> None:
    for row in queries.queue(Filters(), 2e9):
        account = account_of(row.decision)
        assert account is not None
        assert sum(bits for _, bits in account.parts) + account.rest == pytest.approx(account.total)
        assert account.probability == row.decision.misfire_probability
        odds = 2.0**account.total
        assert odds / (1 + odds) == pytest.approx(account.probability, abs=1e-9)


def test_a_turn_that_was_not_judged_has_no_account(queries: Queries) -> None:
    turn = queries.turn(ACME, "e0")
    assert turn is not None
    assert account_of(turn.row.decision) is None


def test_the_most_surprising_step_is_marked_once(queries: Queries) -> None:
    row = queries.queue(Filters(), 2e9)[0]

    steps = steps_of(queries.chain(row))

    (rarest,) = (step for step in steps if step.rarest)
    assert rarest.bits == max(step.bits for step in steps)
