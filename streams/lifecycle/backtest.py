"""Plays the log under two bundles, the active one and a candidate, and keeps every command's costs.

Each bundle decides as if it were the active one, and hears the answers and outcomes that the log
has: the user is assumed to answer both alike. The rules of the time of each event apply to both, so
that the verdicts are those that the homes would have experienced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from detector.contracts.decisions import Decision, Verdict, is_lifted, verdict_of_model
from detector.contracts.events import IntentEvent
from detector.decision.answers import find_question
from detector.decision.bundle import Bundle
from detector.decision.decide import is_reused
from detector.decision.failing_closed import decide_or_fall_back
from detector.decision.labelled_outcomes import reveal
from detector.decision.rule_timeline import RuleTimeline
from detector.evaluation.costs import decision_cost
from detector.evaluation.disagreements import Disagreement
from detector.evaluation.truth import MEANT_BY
from detector.household.conversations import runtime_session_id
from detector.household.state import HouseholdState
from detector.progress import Progress, silent
from streams.lifecycle.backtest_file import BacktestFile, Pair
from streams.lifecycle.log_items import Erased, Item, Reported
from streams.wire.tenancy import tenant_of

__all__ = ["Player"]

#: Records between two commits: several seconds of work.
_COMMIT_EVERY = 5_000
#: Households in memory after a commit, most recently used last.
_HOUSEHOLDS = 10_000


class Player:
    """Plays items of the log into the file of a backtest, which may contain earlier ones.

    Args:
        file: the file.
        active: the active bundle; its policy defines the costs.
        candidate: the bundle that is tried.
        rules: which rules applied when.
    """

    def __init__(
        self,
        file: BacktestFile,
        active: Bundle,
        candidate: Bundle,
        rules: RuleTimeline | None = None,
    ) -> None:
        self.counts = Counter(file.counts())
        self._file, self._bundles = file, (active, candidate)
        self._rules = rules or RuleTimeline()
        self._positions = file.positions()
        self._pairs: dict[str, Pair] = {}
        self._changed: set[str] = set()

    def begin(self, source: str) -> int:
        """Return the position at which a source continues."""
        return self._positions.get(source, 0)

    def play(
        self, items: Iterable[Item], *, done: int = 0, total: int = 0, progress: Progress = silent
    ) -> int:
        """Play items, commit them, and return ``done`` plus their number."""
        for item in items:
            self._take(item)
            place = item.place
            self._positions[f"{place.topic}/{place.partition}"] = place.offset + 1
            done += 1
            if done % _COMMIT_EVERY == 0:
                self.commit()
            if done % 256 == 0:
                progress("deciding", done, max(done, total))
        self.commit()
        progress("deciding", done, max(done, total))
        return done

    def commit(self) -> None:
        """Write to the file what was played since the last commit."""
        changed = [self._pairs[name] for name in sorted(self._changed)]
        self._file.commit(self._positions, self.counts, changed)
        self._changed.clear()
        for name in list(self._pairs)[:-_HOUSEHOLDS]:
            del self._pairs[name]

    def _take(self, item: Item) -> None:
        value = item.value
        if isinstance(value, IntentEvent):
            self._event(value, item.at)
        elif isinstance(value, Reported):
            self._report(value, item.at)
        elif isinstance(value, Decision):
            self._file.published(value.household_id, value.event_id, ran=_ran(value))
        elif isinstance(value, Erased):
            self._pairs.pop(value.household_id, None)
            self._changed.discard(value.household_id)
            self._file.forget(value.household_id)
            self.counts["erased households"] += 1
        else:
            self.counts["moved" if item.moved else "skipped"] += 1

    def _event(self, event: IntentEvent, at: float) -> None:
        pair = self._pair(event.household_id)
        known = {each.event_id for each in pair.active.recent}
        if event.event_id in known or is_reused(pair.active, event):
            self.counts["repeated"] += 1
            return
        active, candidate = self._bundles
        rules = self._rules.of(event.household_id, tenant_of(event.household_id), at=at)
        ours, pair.active, failed = decide_or_fall_back(
            pair.active, event, active, at=at, rules=rules
        )
        theirs, pair.candidate, too = decide_or_fall_back(
            pair.candidate, event, candidate, at=at, rules=rules
        )
        self._changed.add(event.household_id)
        self.counts["events"] += 1
        self.counts["failures of the active bundle"] += failed is not None
        self.counts["failures of the candidate"] += too is not None
        conversation = _conversation(pair.active, event)
        if conversation != pair.conversation:
            pair.conversation, pair.turns = conversation, []
        pair.turns.append(f"{event.intent}, {event.act}")
        if not event.commits:
            return
        self.counts["commands that a rule changed"] += any(each.rule for each in (ours, theirs))
        differing = None
        if ours.verdict is not theirs.verdict:
            differing = Disagreement.of(ours, theirs, tuple(pair.turns), None)
        elif verdict_of_model(ours) is not verdict_of_model(theirs):
            self.counts["disagreements that a rule settled"] += 1
        costs = tuple(
            tuple(decision_cost(active.policy, each, misfire=misfire) for misfire in (False, True))
            for each in (ours, theirs)
        )
        self._file.command(
            event.household_id,
            event.event_id,
            at,
            ((costs[0][0], costs[0][1]), (costs[1][0], costs[1][1])),
            differing,
            allowed=_ran(ours),
        )

    def _report(self, report: Reported, at: float) -> None:
        pair, event_id = self._pair(report.household_id), report.event_id
        if not event_id:
            question = find_question(pair.active, report.confirmation_id) or find_question(
                pair.candidate, report.confirmation_id
            )
            if question is None:
                self.counts["answers without a question"] += 1
                return
            event_id = question.event_id
        self._file.report(report.household_id, event_id, report.what)
        self.counts["reports"] += 1
        meant = MEANT_BY.get(report.what)
        if meant is not None:
            self._changed.add(report.household_id)
            pair.active = reveal(pair.active, event_id, meant=meant, at=at)
            pair.candidate = reveal(pair.candidate, event_id, meant=meant, at=at)

    def _pair(self, household_id: str) -> Pair:
        pair = self._pairs.pop(household_id, None) or self._file.household(household_id)
        self._pairs[household_id] = pair
        return pair


def _ran(decision: Decision) -> bool:
    """Return whether a command ran, and not only because a rule let it."""
    return decision.effective_verdict is Verdict.ALLOW and not is_lifted(decision)


def _conversation(state: HouseholdState, event: IntentEvent) -> str:
    """Return the name of the conversation that an event was just added to."""
    return next(
        (
            session.session_id
            for session in reversed(state.sessions)
            if session.device_id == event.device_id
            and runtime_session_id(session.session_id) == event.session_id
        ),
        "",
    )
