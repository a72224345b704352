"""Error budgets burn, slowly and fast, and the pages about it come and go, with real Prometheus and Alertmanager.

A minute of the installed rules is a second here. Alone in a module: a broker or a worker that was gone explains, for as long as the
slow alerts look back, why answers were not the worker's.
"""

from __future__ import annotations

import time

import pytest

from streams.gateway.degraded_reasons import REASONS
from tests.integration.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: Milliseconds of which nothing is left to wait for a worker: the gateway answers by itself, at once.
_OWN_ANSWER_MS = 4


def test_every_way_to_a_lower_rung_is_counted_from_zero(installation: Installation) -> None:
    """A rate does not see the first time of what was not there before."""
    counted = installation.answered()
    assert {reason for _, reason in counted} == {"", *REASONS}
    assert not any(counted.values())


def test_answers_that_come_too_late_or_not_from_the_worker(installation: Installation) -> None:
    """No worker is waited for within four milliseconds, and no gateway answers within one.

    The slow alerts begin at 1 % of answers below the first rung and at 0.1 % late ones; the fast ones, which would silence them, at 6 %
    and 0.6 %. So few are mixed with so many good ones that every window sees about the same share, however fast the machine is.
    """

    def degrade() -> None:
        while installation.share("degraded") < 0.02:
            installation.commands(1, deadline_ms=_OWN_ANSWER_MS)
            installation.commands(24)

    def answer_until(bad: str, share: float) -> None:
        while installation.share(bad) > share:
            installation.commands(40)

    def make_late(share: float, number: int) -> None:
        while installation.share("late") < share:
            installation.commands(number, deadline_ms=1)

    installation.commands(200)
    installation.breaks("MisfireFirstRungBurnsSlowly", degrade)
    installation.is_repaired("MisfireFirstRungBurnsSlowly", lambda: answer_until("degraded", 0.009))
    installation.breaks("MisfireDeadlineBurnsSlowly", lambda: make_late(0.0012, 1))
    installation.is_repaired("MisfireDeadlineBurnsSlowly", lambda: answer_until("late", 0.0009))

    began = time.monotonic()
    make_late(0.25, 40)
    installation.hears("MisfireDeadlineBurnsFast", began)
    installation.hears("MisfireFirstRungBurnsFast", began)
    began = time.monotonic()
    installation.commands(40)
    installation.is_over("MisfireDeadlineBurnsFast", began)
    installation.is_over("MisfireFirstRungBurnsFast", began)
