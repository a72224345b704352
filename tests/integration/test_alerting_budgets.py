"""Burn the error budgets slowly and fast; the alerts fire and resolve.

Prometheus and Alertmanager are real. A minute of the rules is a second here. These tests need their
own module: an earlier outage of a broker or worker would explain degraded answers for as long as
the windows of the slow alerts.
"""

from __future__ import annotations

import time

import pytest

from streams.gateway.degraded_reasons import REASONS
from tests.integration.installation import Installation
from tests.integration.worker import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: A deadline in milliseconds that is too short to wait for a worker: the gateway answers at once.
_OWN_ANSWER_MS = 4


def test_every_reason_for_a_lower_rung_is_counted_from_zero(installation: Installation) -> None:
    """Rates ignore the first value of a new series, so each series must start at zero."""
    counted = installation.answered()
    assert {reason for _, reason in counted} == {"", *REASONS}
    assert not any(counted.values())


def test_late_answers_and_answers_of_lower_rungs_are_alerted(installation: Installation) -> None:
    """A deadline of 4 ms leaves no time for a worker, and one of 1 ms none for a gateway.

    The slow alerts fire above 1 % of answers below the first rung and above 0.1 % of late ones. The
    fast alerts fire above 6 % and 0.6 %, and explain the slow ones for as long as their windows
    last. On a busy machine, answers to a deadline of 4 ms are late as well and can fire the fast
    alert of the deadline. So the slow alert of the deadline comes first.
    """

    def is_firing(alert: str) -> bool:
        return installation.pager.is_firing(alert)

    def make_late(share: float, number: int) -> None:
        while installation.share("late") < share:
            installation.commands(number, deadline_ms=1)

    def degrade() -> None:
        while installation.share("degraded") < 0.013:
            installation.commands(1, deadline_ms=_OWN_ANSWER_MS)
            installation.commands(7)

    def answer_until(bad: str, share: float) -> None:
        while installation.share(bad) > share:
            installation.commands(40)

    installation.commands(250)
    installation.breaks("MisfireDeadlineBurnsSlowly", lambda: make_late(0.002, 1))
    installation.is_repaired("MisfireDeadlineBurnsSlowly", lambda: answer_until("late", 0.0009))
    installation.breaks("MisfireFirstRungBurnsSlowly", degrade)
    installation.is_repaired("MisfireFirstRungBurnsSlowly", lambda: answer_until("degraded", 0.009))
    answer_until("late", 0.005)
    until(lambda: not is_firing("MisfireDeadlineBurnsFast"))

    began = time.monotonic()
    make_late(0.08, 40)
    installation.hears("MisfireDeadlineBurnsFast", began)
    installation.hears("MisfireFirstRungBurnsFast", began)
    began = time.monotonic()
    installation.commands(40)
    installation.is_over("MisfireDeadlineBurnsFast", began)
    installation.is_over("MisfireFirstRungBurnsFast", began)
