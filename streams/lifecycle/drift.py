"""Measures drift in the log: replays meant events of some households under the active bundle."""

from __future__ import annotations

from datetime import datetime

from detector.decision.bundle import Bundle
from detector.decision.failing_closed import decide_or_fall_back
from detector.decision.verdict import Judgement
from detector.evaluation.drift_report import Drift, DriftCounter
from detector.household.state import HouseholdState
from detector.progress import Progress, silent
from streams.kafka.connection import Brokers
from streams.lifecycle.training_log import read_training_log

__all__ = ["measure_drift"]

#: Events to keep in memory: about a month of 500 busy households.
_MOST_EVENTS = 200_000


def measure_drift(
    brokers: Brokers,
    bundle: Bundle,
    *,
    since: float,
    now: datetime,
    most_households: int,
    seed: int = 0,
    progress: Progress = silent,
) -> Drift:
    """Compare commands since a time with the training data of a bundle.

    Earlier events of the log are replayed as well, so that the households' states are those of the
    log.

    Args:
        brokers: the brokers to read from.
        bundle: the active bundle.
        since: log time in seconds from which on commands are compared.
        now: the end of the period.
        most_households: households to replay at most.
        seed: seed of the sample of households.
        progress: called with (stage, done, total).
    """
    events = read_training_log(
        brokers,
        most_households=most_households,
        most_events=_MOST_EVENTS,
        seed=seed,
        progress=progress,
    ).events
    counter, states = DriftCounter(bundle), dict[str, HouseholdState]()
    for number, event in enumerate(events):
        if number % 256 == 0:
            progress("replaying", number, len(events))
        name, judged = event.household_id, list[Judgement]()
        _, states[name], _ = decide_or_fall_back(
            states.get(name) or HouseholdState.new(name),
            event,
            bundle,
            at=event.seconds,
            announce=judged.append,
        )
        if event.seconds >= since:
            counter.add(event, judged[0].values if judged else None)
    progress("replaying", len(events), len(events))
    return counter.result(now)
