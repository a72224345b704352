"""How good the decisions are: a labelled stream played through the pipeline, and the figures that describe it.

The stream is played in its order. What was held back is answered before the next event, as a prompt on a phone is; what was allowed is
revealed when its session is over. Neither is ever known before its verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from detector.bundle import Bundle
from detector.calibration import NEW_HOUSEHOLD_SESSIONS
from detector.corpus import revealed, sessions_by_household, walk
from detector.costs import WAYS, cost_per_thousand, questions_per_thousand
from detector.decisions import Decision, Verdict
from detector.errors import InvalidValue, NotEnoughData
from detector.events import IntentEvent, Outcome
from detector.gates import ngram_gates
from detector.model import perplexity
from detector.pipeline import apply_outcome, decide
from detector.policy import Fatigue
from detector.progress import Progress, silent
from detector.reliability import Budget, Reliability, budgets, reliability
from detector.state import HouseholdState

__all__ = ["BUDGETS", "RATES", "Evaluation", "evaluate", "play", "recall_at"]

#: The shares of false interruptions at which recall is reported.
RATES = (0.001, 0.01, 0.05)
#: Budgets of false interruptions at which the calibration is held to its word.
BUDGETS = (0.001, 0.005, 0.01, 0.05)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What ``misfire evaluate`` reports.

    ``recall`` maps a share of false interruptions to the share of misfires above the threshold that gives it on this stream;
    ``realised_false_interruptions`` maps a risk class to the share of meant commands that the bundle itself interrupted.
    ``perplexity`` is of what was meant, per event, with all that is known of the household by then; ``population_perplexity`` without.
    ``budgets`` says for all meant commands, for each risk class and for households' first sessions (``new``) what other budgets
    would have interrupted. ``cost_per_thousand`` is in the policy's units, at its base rate, for us and for simpler ways of deciding.
    ``questions_per_thousand`` is how often households were asked, with the policy's ``fatigue`` and without.
    ``auroc``, ``recall``, ``reliability``, ``cost_per_thousand`` and ``questions_per_thousand`` are empty of meaning, and ``None``
    or ``{}``, where the stream holds no misfire.
    """

    events: int
    committing: int
    misfires: int
    auroc: float | None
    recall: dict[str, float]
    perplexity: float
    population_perplexity: float
    realised_false_interruptions: dict[str, float]
    stopped: float | None
    bundle: str
    budgets: dict[str, tuple[Budget, ...]]
    reliability: Reliability | None
    cost_per_thousand: dict[str, float]
    questions_per_thousand: dict[str, float]


@dataclass(slots=True)
class _Household:
    state: HouseholdState
    session: str = ""
    outcomes: list[Outcome] = field(default_factory=list)

    def reveal(self, event: IntentEvent, decision: Decision, *, meant: bool) -> None:
        """Answer what was held back at once; keep what became of the rest until the session is over."""
        if decision.verdict is Verdict.ALLOW:
            self.outcomes.append(revealed(event, meant=meant))
        else:
            self.state = apply_outcome(self.state, revealed(event, meant=meant, asked=True))

    def begin(self, session: str) -> None:
        """Reveal the last session's outcomes before another one goes on."""
        if session != self.session:
            for outcome in self.outcomes:
                self.state = apply_outcome(self.state, outcome)
            self.session, self.outcomes = session, []


def play(
    events: Iterable[IntentEvent], bundle: Bundle, misfires: Collection[str] | None = None
) -> Iterator[tuple[IntentEvent, Decision]]:
    """Decide on every event of a stream in order.

    Args:
        events: the stream.
        bundle: what decides.
        misfires: ids of the events that nobody meant, revealed as outcomes afterwards; ``None`` reveals nothing, as in a log.
    """
    households: dict[str, _Household] = {}
    for event in events:
        household = households.setdefault(
            event.household_id, _Household(HouseholdState.new(event.household_id))
        )
        household.begin(event.session_id)
        decision, household.state = decide(household.state, event, bundle)
        if event.commits and misfires is not None:
            household.reveal(event, decision, meant=event.event_id not in misfires)
        yield event, decision


def evaluate(
    events: list[IntentEvent], bundle: Bundle, misfires: Collection[str], *, progress: Progress = silent
) -> Evaluation:
    """Play a labelled stream and measure the decisions at its committing events.

    Args:
        events: the stream.
        bundle: what decides.
        misfires: ids of the events that nobody meant.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        InvalidValue: a label is for an event that the stream does not hold.
        NotEnoughData: the stream holds no committing event that was meant.
    """
    strangers = set(misfires) - {event.event_id for event in events}
    if strangers:
        raise InvalidValue(
            f"{len(strangers)} labels are for events that the stream does not hold, such as {min(strangers)!r}; "
            "give the labels of this stream"
        )
    judged: list[Decision] = []
    early: set[str] = set()
    begun: defaultdict[str, set[str]] = defaultdict(set)
    for number, (event, decision) in enumerate(play(events, bundle, misfires)):
        begun[event.household_id].add(event.session_id)
        if event.commits:
            judged.append(decision)
            if len(begun[event.household_id]) <= NEW_HOUSEHOLD_SESSIONS:
                early.add(event.event_id)
        if number % 256 == 0:
            progress("deciding", number, len(events))
    progress("deciding", len(events), len(events))
    scores = np.array([decision.misfire_probability for decision in judged], dtype=float)
    truth = np.array([decision.event_id in misfires for decision in judged], dtype=bool)
    if truth.all():
        raise NotEnoughData(
            "the stream holds no committing event that was meant; there is nothing to interrupt falsely"
        )
    meant = [event for event in events if event.event_id not in misfires]
    return Evaluation(
        events=len(events),
        committing=len(judged),
        misfires=int(truth.sum()),
        auroc=round(float(roc_auc_score(truth, scores)), 4) if truth.any() else None,
        recall={f"{rate:g}": round(recall_at(rate, scores, truth), 4) for rate in RATES}
        if truth.any()
        else {},
        perplexity=round(_perplexity(meant, bundle, progress), 4),
        population_perplexity=round(perplexity(bundle.model, _sessions(meant)), 4),
        realised_false_interruptions={
            name: _share(group) or 0.0 for name, group in _meant(judged, misfires, ()).items()
        },
        stopped=_share([judged[place] for place in np.flatnonzero(truth)]),
        bundle=bundle.version,
        budgets={name: budgets(group, BUDGETS) for name, group in _meant(judged, misfires, early).items()},
        reliability=reliability(scores, truth, bundle.policy.base_rate) if truth.any() else None,
        questions_per_thousand=_questions(events, bundle, misfires, judged, truth) if truth.any() else {},
        cost_per_thousand=cost_per_thousand(
            judged, truth, bundle.policy, {**WAYS, **ngram_gates(events, misfires, bundle.policy)}
        )
        if truth.any()
        else {},
    )


def recall_at(rate: float, scores: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> float:
    """Return the share of misfires that score above all but ``rate`` of the meant commands.

    Args:
        rate: share of meant commands that may be interrupted.
        scores: (n,) higher is rarer.
        truth: (n,) which of them nobody meant.
    """
    meant = np.sort(scores[~truth])[::-1]
    threshold = meant[int(rate * len(meant))]
    return float((scores[truth] > threshold).mean())


def _questions(
    events: list[IntentEvent],
    bundle: Bundle,
    misfires: Collection[str],
    judged: list[Decision],
    truth: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """Count the questions, and play the stream again with a policy that minds none before."""
    tireless = replace(bundle.policy, fatigue=Fatigue(same_again_seconds=0.0, growth=0.0))
    again = [
        decision
        for event, decision in play(events, replace(bundle, policy=tireless), misfires)
        if event.commits
    ]
    return {
        "with fatigue": round(questions_per_thousand(judged, truth, bundle.policy), 3),
        "without": round(questions_per_thousand(again, truth, bundle.policy), 3),
    }


def _perplexity(events: list[IntentEvent], bundle: Bundle, progress: Progress) -> float:
    households = sessions_by_household(events)
    bits: list[float] = []
    for number, sessions in enumerate(households.values()):
        progress("perplexity", number, len(households))
        bits += [step.observation.bits for step in walk(sessions, bundle.model, bundle.policy)]
    progress("perplexity", len(households), len(households))
    return float(2.0 ** np.mean(bits))


def _sessions(events: list[IntentEvent]) -> list[list[IntentEvent]]:
    return [session for sessions in sessions_by_household(events).values() for session in sessions]


def _meant(
    judged: list[Decision], misfires: Collection[str], early: Collection[str]
) -> dict[str, list[Decision]]:
    """Group what was meant: all of it, by risk class, and what came in a household's first sessions."""
    groups: defaultdict[str, list[Decision]] = defaultdict(list)
    for decision in judged:
        if decision.event_id not in misfires:
            groups["all"].append(decision)
            groups[decision.risk_class.value].append(decision)
            if decision.event_id in early:
                groups["new"].append(decision)
    return dict(sorted(groups.items()))


def _share(decisions: list[Decision]) -> float | None:
    """The share that was not allowed; ``None`` of nothing."""
    if not decisions:
        return None
    return round(sum(decision.verdict is not Verdict.ALLOW for decision in decisions) / len(decisions), 5)
