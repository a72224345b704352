"""Evaluation: play a labelled stream, and measure how good the decisions are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import InvalidValue, NotEnoughData
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.costs import WAYS, cost_per_thousand, questions_per_thousand
from detector.evaluation.curves import KindRecall, cost_curve, kind_recall, recall_at, roc
from detector.evaluation.learning_curve import Group, events_seen, grouped
from detector.evaluation.ngram_gates import ngram_gates, ngram_scores
from detector.evaluation.playing import play
from detector.evaluation.reliability import Budget, Reliability, budgets, reliability
from detector.household.conversations import with_conversations
from detector.household.grouping import sessions_by_household
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS
from detector.policy.policy import Fatigue
from detector.population.model import perplexity
from detector.progress import Progress, silent
from detector.training.evidence_table import walk

__all__ = ["BUDGETS", "RATES", "Evaluation", "evaluate"]

#: Shares of false interruptions at which recall is reported.
RATES = (0.001, 0.01, 0.05)
#: Budgets of false interruptions at which the calibration is checked.
BUDGETS = (0.001, 0.005, 0.01, 0.05)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The report of ``misfire evaluate``.

    Without misfires in the stream, everything about misfires is ``None`` or ``{}``.

    Attributes:
        events: number of events.
        committing: number of committing events.
        unknown: committing events whose intent the bundle does not know. The household's own
            history decides on them, or the policy's fallback on harmful ones that are new there.
        misfires: number of misfires.
        auroc: area under the ROC curve of the misfire probability.
        recall: share of false interruptions -> share of misfires above the threshold that gives it
            on this stream.
        perplexity: of meant events, given everything known about the household before each.
        population_perplexity: of meant events, without knowledge of the household.
        realised_false_interruptions: risk class -> share of meant commands that were interrupted.
        stopped: share of misfires that were not allowed.
        bundle: version of the bundle.
        budgets: what other budgets would have interrupted, for all meant commands, each risk class,
            and the first sessions of households (``new``).
        reliability: calibration of the misfire probabilities.
        learning_curve: verdicts and probabilities by the number of the home's earlier events.
        by_class: the same by risk class.
        cost_per_thousand: cost of our decisions and of simpler rules, in the policy's units at its
            base rate.
        questions_per_thousand: number of questions, with and without the policy's ``fatigue``.
        recall_by_kind: recall by kind of misfire.
        roc: by decision rule, (share of false interruptions, recall) points.
        cost_curve: by decision rule, (base rate, cost per 1,000 commands) points.
    """

    events: int
    committing: int
    unknown: int
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
    learning_curve: dict[str, Group]
    by_class: dict[str, Group]
    cost_per_thousand: dict[str, float]
    questions_per_thousand: dict[str, float]
    recall_by_kind: dict[str, KindRecall]
    roc: dict[str, tuple[tuple[float, float], ...]]
    cost_curve: dict[str, tuple[tuple[float, float], ...]]


def evaluate(
    events: list[IntentEvent],
    bundle: Bundle,
    misfires: Mapping[str, str],
    *,
    progress: Progress = silent,
) -> Evaluation:
    """Replay a labelled stream, and measure the decisions on its committing events.

    Args:
        events: the stream.
        bundle: the bundle that decides.
        misfires: event id -> kind of misfire, for each event that was not meant.
        progress: called with (stage, done, total).

    Raises:
        InvalidValue: a label names an event that is not in the stream.
        NotEnoughData: the stream has no meant committing event.
    """
    unmatched = set(misfires) - {event.event_id for event in events}
    if unmatched:
        raise InvalidValue(
            f"{len(unmatched)} labels are for events that are not in the stream, such as "
            f"{min(unmatched)!r}; use the labels of this stream"
        )
    judged: list[Decision] = []
    known: list[str] = []
    seen: Counter[str] = Counter()
    early: set[str] = set()
    begun: defaultdict[str, set[object]] = defaultdict(set)
    conversations = (each for _, each in with_conversations(events, bundle.policy.conversations))
    played = zip(play(events, bundle, misfires), conversations, strict=True)
    for number, ((event, decision), conversation) in enumerate(played):
        begun[event.household_id].add(conversation)
        if event.commits:
            judged.append(decision)
            known.append(events_seen(seen[event.household_id]))
            if len(begun[event.household_id]) <= NEW_HOUSEHOLD_SESSIONS:
                early.add(event.event_id)
        seen[event.household_id] += 1
        if number % 256 == 0:
            progress("deciding", number, len(events))
    progress("deciding", len(events), len(events))
    truth = np.array([decision.event_id in misfires for decision in judged], dtype=bool)
    if truth.all():
        raise NotEnoughData(
            "the stream has no meant committing event, so nothing can be interrupted falsely"
        )
    meant = [event for event in events if event.event_id not in misfires]
    return Evaluation(
        events=len(events),
        committing=len(judged),
        unknown=sum(
            not bundle.model.vocabulary.knows_intent(decision.intent) for decision in judged
        ),
        misfires=int(truth.sum()),
        perplexity=round(_perplexity(meant, bundle, progress), 4),
        population_perplexity=round(perplexity(bundle.model, _sessions(meant)), 4),
        realised_false_interruptions={
            name: _share(group) or 0.0 for name, group in _meant(judged, misfires, ()).items()
        },
        bundle=bundle.version,
        budgets={
            name: budgets(group, BUDGETS) for name, group in _meant(judged, misfires, early).items()
        },
        learning_curve=grouped(judged, truth, known, bundle.policy.base_rate),
        by_class=grouped(
            judged, truth, [each.risk_class.value for each in judged], bundle.policy.base_rate
        ),
        **(_detection(events, judged, misfires, truth, bundle) if truth.any() else _NOTHING),
    )


#: The measures of misfires for a stream without any.
_NOTHING: Mapping[str, Any] = {
    "auroc": None,
    "stopped": None,
    "reliability": None,
    "recall": {},
    "cost_per_thousand": {},
    "questions_per_thousand": {},
    "recall_by_kind": {},
    "roc": {},
    "cost_curve": {},
}


def _detection(
    events: list[IntentEvent],
    judged: list[Decision],
    misfires: Mapping[str, str],
    truth: npt.NDArray[np.bool_],
    bundle: Bundle,
) -> dict[str, Any]:
    """Return the measures of misfires for a stream with at least one."""
    scores = np.array([decision.misfire_probability for decision in judged], dtype=float)
    ngrams = ngram_scores(events, misfires)
    gates = ngram_gates(ngrams, (judged[place] for place in np.flatnonzero(~truth)), bundle.policy)
    ways = {**WAYS, **gates}
    compared = {
        "misfire": scores,
        "surprisal of the chain": np.array([decision.surprisal_bits for decision in judged]),
        **{
            name: np.array([found[each.event_id] for each in judged])
            for name, found in ngrams.items()
        },
    }
    return {
        "auroc": round(float(roc_auc_score(truth, scores)), 4),
        "recall": {f"{rate:g}": round(recall_at(rate, scores, truth), 4) for rate in RATES},
        "stopped": _share([judged[place] for place in np.flatnonzero(truth)]),
        "reliability": reliability(scores, truth, bundle.policy.base_rate),
        "cost_per_thousand": cost_per_thousand(judged, truth, bundle.policy, ways),
        "questions_per_thousand": _questions(events, bundle, misfires, judged, truth),
        "recall_by_kind": kind_recall(
            RATES, scores, truth, [misfires.get(each.event_id, "") for each in judged]
        ),
        "roc": {name: roc(found, truth) for name, found in compared.items()},
        "cost_curve": cost_curve(judged, truth, bundle.policy, ways),
    }


def _questions(
    events: list[IntentEvent],
    bundle: Bundle,
    misfires: Collection[str],
    judged: list[Decision],
    truth: npt.NDArray[np.bool_],
) -> dict[str, float]:
    """Count the questions with the policy's fatigue, and in a second replay without it."""
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
    """Group the decisions on meant commands: all, by risk class, and in first sessions (new)."""
    groups: defaultdict[str, list[Decision]] = defaultdict(list)
    for decision in judged:
        if decision.event_id not in misfires:
            groups["all"].append(decision)
            groups[decision.risk_class.value].append(decision)
            if decision.event_id in early:
                groups["new"].append(decision)
    return dict(sorted(groups.items()))


def _share(decisions: list[Decision]) -> float | None:
    """Return the share of decisions that are not to allow, or ``None`` without decisions."""
    if not decisions:
        return None
    return round(
        sum(decision.verdict is not Verdict.ALLOW for decision in decisions) / len(decisions), 5
    )
