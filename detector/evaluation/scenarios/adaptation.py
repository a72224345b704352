"""How long a household that changes is interrupted too often, and whether one that is attacked learns the attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.evaluate import play
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

#: Sessions that are counted together.
WINDOW = 5
#: Households with fewer sessions have no before and after to compare.
FEWEST_SESSIONS = 2 * WINDOW
#: A household's part in a window or an attempt that fewer than so many commands or households have is left out.
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class Window:
    """Sessions number ``first`` to ``last`` since a change: meant commands, the share interrupted, and whether the budget holds."""

    first: int
    last: int
    commands: int
    interrupted: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a change does: once ``sessions`` sessions are over, every window is within budget; ``None`` if the last one is not."""

    change: str
    windows: tuple[Window, ...]
    sessions: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The n-th attempt of an attack: the share stopped, and the median misfire probability.

    Each was answered with ``denied``, or ``undone`` where it was let through; ``…_if_confirmed`` is what a yes to each would have led to.
    """

    number: int
    households: int
    stopped: float
    probability: float
    stopped_if_confirmed: float
    probability_if_confirmed: float


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What changes and attacks do to households.

    ``budget`` is the policy's, as a mean over the commands. ``learned`` says that the last third of attempts was stopped less often
    than the first third, by more than binomial error (95 %).
    """

    households: int
    budget: float
    recoveries: tuple[Recovery, ...]
    attempts: tuple[Attempt, ...]
    learned: bool


def adaptation(
    events: Sequence[IntentEvent], bundle: Bundle, *, seed: int = 0, progress: Progress = silent
) -> Adaptation:
    """Change every household half-way through its sessions, in each way that is known, and attack it.

    Args:
        events: what households meant, in order of time; the bundle should not have been trained on them.
        bundle: what decides.
        seed: decides what is new, who visits and who attacks.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        NotEnoughData: there are fewer than two households with sessions enough, or they command nothing.
    """
    households = sessions_by_household(events)
    enough = [name for name, sessions in households.items() if len(sessions) >= FEWEST_SESSIONS]
    if len(enough) < 2:
        raise NotEnoughData(
            f"what a change does takes two households with {FEWEST_SESSIONS} sessions each; the stream has {len(enough)}"
        )
    recoveries = []
    budgets: list[float] = []
    for number, change in enumerate(CHANGES):
        progress("changing households", number, len(CHANGES))
        judged = _changed(households, enough, change, bundle, seed)
        if not judged:
            raise NotEnoughData(
                "the stream holds no committing event in its second half; nothing can be interrupted"
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
    """Decide on every command since a change, with the number of its session since then, from 1 on."""
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
    """Decide on each household's attempts in order: those that are denied, and the same ones if they are confirmed."""
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
    """Return whether a command was not let through."""
    return decision.verdict is not Verdict.ALLOW
