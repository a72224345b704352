from __future__ import annotations

from itertools import permutations

import pytest

from detector.evaluation.truth import Report, Truth, truth_of

EXECUTED, ACCEPTED, REFUSED = Report.EXECUTED, Report.ACCEPTED, Report.REFUSED
MEANT, MISFIRE, WITHDRAWN = Report.MEANT, Report.MISFIRE, Report.WITHDRAWN


@pytest.mark.parametrize(
    ("reports", "ran", "truth"),
    [
        ([], True, Truth.MEANT),
        ([EXECUTED], True, Truth.MEANT),
        ([EXECUTED, REFUSED], True, Truth.MISFIRE),
        ([], False, Truth.UNSEEN),
        ([EXECUTED], False, Truth.UNSEEN),
        ([ACCEPTED], False, Truth.UNSEEN),
        ([ACCEPTED, EXECUTED], False, Truth.MEANT),
        ([ACCEPTED, EXECUTED, REFUSED], False, Truth.MISFIRE),
        ([REFUSED], False, Truth.MISFIRE),
        ([REFUSED, MEANT], True, Truth.MEANT),
        ([MISFIRE, EXECUTED], True, Truth.MISFIRE),
        ([MISFIRE, MEANT], True, Truth.MEANT),
        ([MISFIRE, WITHDRAWN], True, Truth.MEANT),
        ([MISFIRE, WITHDRAWN], False, Truth.UNSEEN),
        ([MEANT, WITHDRAWN, REFUSED], True, Truth.MISFIRE),
    ],
)
def test_the_rule(reports: list[Report], ran: bool, truth: Truth) -> None:
    assert truth_of(reports, ran=ran) is truth
    assert truth_of([*reports, *reports], ran=ran) is truth


@pytest.mark.parametrize("ran", [False, True])
def test_the_order_of_outcomes_does_not_matter(ran: bool) -> None:
    found = {truth_of(each, ran=ran) for each in permutations([EXECUTED, ACCEPTED, REFUSED])}
    assert found == {Truth.MISFIRE}
