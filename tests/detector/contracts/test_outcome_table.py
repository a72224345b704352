"""The outcome table is complete, never authorises a command and never reopens a question."""

from __future__ import annotations

from itertools import product

import pytest

from detector.contracts.events import OutcomeKind, OutcomeSource
from detector.contracts.outcome_table import SENTENCES, TABLE, OutcomeRefused, entry
from detector.contracts.standing import MEANT, Standing

EVERY = list(product(Standing, OutcomeKind, OutcomeSource))
#: States in which the worker's verdict or a checked answer let the command run.
COULD_RUN = MEANT | {Standing.NOT_RUN}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(Standing)
    assert all(set(kinds) == set(OutcomeKind) for kinds in TABLE.values())
    assert all(len(row) == len(OutcomeSource) for kinds in TABLE.values() for row in kinds.values())


@pytest.mark.parametrize(("standing", "kind", "source"), EVERY)
def test_no_outcome_marks_a_command_as_meant_that_was_not_allowed_to_run(
    standing: Standing, kind: OutcomeKind, source: OutcomeSource
) -> None:
    became = entry(standing, kind, source)
    if became in MEANT:
        assert standing in COULD_RUN
    assert became is not Standing.CONFIRMED or standing is Standing.CONFIRMED


@pytest.mark.parametrize(("standing", "kind", "source"), EVERY)
def test_a_closed_command_is_never_reopened(
    standing: Standing, kind: OutcomeKind, source: OutcomeSource
) -> None:
    became = entry(standing, kind, source)
    assert became is not Standing.ASKED or standing is Standing.ASKED
    assert became is not Standing.ALLOWED or standing is Standing.ALLOWED
    closed = {Standing.DENIED, Standing.EXPIRED, Standing.UNDONE}
    if standing in closed and not isinstance(became, OutcomeRefused):
        assert became in closed | {Standing.LET_RUN}


@pytest.mark.parametrize(("standing", "source"), list(product(Standing, OutcomeSource)))
def test_confirmed_is_accepted_only_after_a_checked_answer(
    standing: Standing, source: OutcomeSource
) -> None:
    became = entry(standing, OutcomeKind.CONFIRMED, source)
    known = (standing, source) == (Standing.CONFIRMED, OutcomeSource.RUNTIME)
    assert isinstance(became, OutcomeRefused) is not known


@pytest.mark.parametrize(("standing", "kind", "source"), EVERY)
def test_the_same_outcome_again_changes_nothing(
    standing: Standing, kind: OutcomeKind, source: OutcomeSource
) -> None:
    became = entry(standing, kind, source)
    if isinstance(became, Standing):
        again = entry(became, kind, source)
        assert isinstance(again, OutcomeRefused) or again is became


@pytest.mark.parametrize(("standing", "kind"), list(product(Standing, OutcomeKind)))
def test_a_gateway_report_never_marks_a_command_as_meant_or_undone(
    standing: Standing, kind: OutcomeKind
) -> None:
    became = entry(standing, kind, OutcomeSource.GATEWAY)
    assert isinstance(became, OutcomeRefused) or became in (
        standing,
        Standing.NOT_RUN,
        Standing.LET_RUN,
    )


def test_every_reason_has_a_sentence_and_occurs_in_the_table() -> None:
    assert set(SENTENCES) == set(OutcomeRefused)
    found = {found for kinds in TABLE.values() for row in kinds.values() for found in row}
    assert found >= set(OutcomeRefused)
