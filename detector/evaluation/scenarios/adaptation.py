"""How fast the model adapts when a household changes, and whether it adapts to an attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.playing import play
from detector.evaluation.reliability import wilson_lower
from detector.evaluation.scenarios.household_changes import CHANGES, Life, attacked
from detector.household.grouping import sessions_by_household
from detector.progress import Progress, silent

__all__ = [
    "FEWEST_SESSIONS",
    "Adaptation",
    "Attempt",
    "Recovery",
    "Window",
    "adaptation",
    "is_stopped",
]

#: Sessions per window.
WINDOW = 5
#: Households with fewer sessions cannot be compared before and after a change.
FEWEST_SESSIONS = 2 * WINDOW
#: Windows with fewer commands, and attempts in fewer households, are left out.
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class Window:
    """Sessions ``first`` to ``last`` after a change.

    Attributes:
        first: number of the first session.
        last: number of the last session.
        commands: number of meant commands.
        interrupted: share of them that was interrupted.
        holds: whether that share is within the budget.
    """

    first: int
    last: int
    commands: int
    interrupted: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """The effect of a change.

    ``sessions`` is the number of sessions until all later windows are within the budget; ``None``
    if the last window is not.
    """

    change: str
    windows: tuple[Window, ...]
    sessions: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The n-th attempt of an attack in all households.

    A stopped attempt is answered with ``denied``, an allowed one with ``undone``. The fields
    ``…_if_confirmed`` describe attacks in which every attempt is confirmed.

    Attributes:
        number: n, from 1.
        households: number of households with as many attempts.
        stopped: share of attempts that was stopped.
        probability: median misfire probability.
        stopped_if_confirmed: the same share if the attempts before were confirmed.
        probability_if_confirmed: the same median if the attempts before were confirmed.
    """

    number: int
    households: int
    stopped: float
    probability: float
    stopped_if_confirmed: float
    probability_if_confirmed: float


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The effect of changes and attacks on households.

    ``budget`` is the mean of the policy's budgets over the commands. ``learned`` is whether the
    last third of the attempts was stopped less often than the first third, by more than binomial
    error (95 %).
    """

    households: int
    budget: float
    recoveries: tuple[Recovery, ...]
    attempts: tuple[Attempt, ...]
    learned: bool


def adaptation(
    events: Sequence[IntentEvent], bundle: Bundle, *, seed: int = 0, progress: Progress = silent
) -> Adaptation:
    """Change every household half-way through its sessions, in every known way, and attack it.

    Args:
        events: meant events, in order of time; the bundle should not have been trained on them.
        bundle: the bundle that decides.
        seed: seed of all randomness.
        progress: called with (stage, done, total).

    Raises:
        NotEnoughData: fewer than two households have enough sessions, or they have no commands.
    """
    households = sessions_by_household(events)
    enough = [name for name, sessions in households.items() if len(sessions) >= FEWEST_SESSIONS]
    if len(enough) < 2:
        raise NotEnoughData(
            f"adaptation is measured on at least two households with {FEWEST_SESSIONS} sessions "
            f"each; the stream has {len(enough)}"
        )
    recoveries = []
    budgets: list[float] = []
    for number, change in enumerate(CHANGES):
        progress("changing households", number, len(CHANGES))
        judged = _changed(households, enough, change, bundle, seed)
        if not judged:
            raise NotEnoughData(
                "the second half of the stream has no committing event; nothing can be interrupted"
            )
        budgets += [bundle.policy.classes[decision.risk_class].budget for _, decision in judged]
        recoveries.append(_recovery(change, judged, bundle))
    progress("changing households", len(CHANGES), len(CHANGES))
    denied, confirmed = _attacks(households, enough, bundle, seed, progress)
    return Adaptation(
        households=len(enough),
        budget=round(float(np.mean(budgets)), 6),
        recoveries=tuple(recoveries),
        attempts=_attempts(denied, confirmed),
        learned=_learned(denied),
    )


def _changed(
    households: Mapping[str, Sequence[Sequence[IntentEvent]]],
    names: Sequence[str],
    change: str,
    bundle: Bundle,
    seed: int,
) -> list[tuple[int, Decision]]:
    """Return the decisions on commands after a change, each with its session's number since."""
    found = []
    for number, name in enumerate(names):
        life = Life.of(households, name)
        after = CHANGES[change](life, np.random.default_rng([seed, number]))
        numbers = {session[0].session_id: place for place, session in enumerate(after, 1)}
        events = [event for session in (*life.before, *after) for event in session]
        found += [
            (numbers[event.session_id], decision)
            for event, decision in play(events, bundle, frozenset())
            if event.commits and event.session_id in numbers
        ]
    return found


def _recovery(change: str, judged: Sequence[tuple[int, Decision]], bundle: Bundle) -> Recovery:
    windows: list[Window] = []
    for first in range(1, max(number for number, _ in judged) + 1, WINDOW):
        inside = [decision for number, decision in judged if first <= number < first + WINDOW]
        if len(inside) < _FEWEST:
            break
        share = float(np.mean([is_stopped(decision) for decision in inside]))
        budget = float(
            np.mean([bundle.policy.classes[decision.risk_class].budget for decision in inside])
        )
        windows.append(
            Window(
                first,
                first + WINDOW - 1,
                len(inside),
                round(share, 5),
                wilson_lower(share, len(inside)) <= budget,
            )
        )
    beyond = [window.last for window in windows if not window.holds]
    back = not beyond or beyond[-1] < windows[-1].last
    return Recovery(change, tuple(windows), (beyond[-1] if beyond else 0) if back else None)


def _attacks(
    households: Mapping[str, Sequence[Sequence[IntentEvent]]],
    names: Sequence[str],
    bundle: Bundle,
    seed: int,
    progress: Progress,
) -> tuple[list[list[Decision]], list[list[Decision]]]:
    """Return the decisions on each household's attempts, if denied and if confirmed."""
    denied: list[list[Decision]] = []
    confirmed: list[list[Decision]] = []
    for number, name in enumerate(names):
        progress("attacking households", number, len(names))
        life = Life.of(households, name)
        attack = attacked(life, np.random.default_rng([seed, number, 1]))
        events = [event for session in (*life.before, *attack.sessions) for event in session]
        for misfires, found in (
            (frozenset(attack.attempts), denied),
            (frozenset[str](), confirmed),
        ):
            decided = {
                event.event_id: decision for event, decision in play(events, bundle, misfires)
            }
            found.append([decided[attempt] for attempt in attack.attempts])
    progress("attacking households", len(names), len(names))
    return denied, confirmed


def _attempts(
    denied: Sequence[Sequence[Decision]], confirmed: Sequence[Sequence[Decision]]
) -> tuple[Attempt, ...]:
    found: list[Attempt] = []
    attacked_ones = sum(map(bool, denied))
    for number in range(max(map(len, denied), default=0)):
        no, yes = (
            [each[number] for each in tries if len(each) > number] for tries in (denied, confirmed)
        )
        if len(no) < min(_FEWEST, attacked_ones):
            break
        found.append(
            Attempt(
                number + 1,
                len(no),
                round(float(np.mean([is_stopped(decision) for decision in no])), 4),
                _median(no),
                round(float(np.mean([is_stopped(decision) for decision in yes])), 4),
                _median(yes),
            )
        )
    return tuple(found)


def _learned(denied: Sequence[Sequence[Decision]]) -> bool:
    firsts, lasts = [], []
    for attempts in denied:
        third = len(attempts) // 3
        firsts += [is_stopped(decision) for decision in attempts[:third]]
        lasts += [is_stopped(decision) for decision in attempts[len(attempts) - third :]]
    if not firsts:
        return False
    return wilson_lower(1.0 - float(np.mean(lasts)), len(lasts)) > 1.0 - float(np.mean(firsts))


def _median(decisions: Sequence[Decision]) -> float:
    return round(
        float(np.median([decision.misfire_probability or 0.0 for decision in decisions])), 6
    )


def is_stopped(decision: Decision) -> bool:
    """Return whether a command was blocked or has to be confirmed."""
    return decision.verdict is not Verdict.ALLOW
