"""The scan: one pass over a log in memory that does not grow with it.

For each household, the scan keeps the state that a worker would have. It keeps the worst commands
in a heap, and their households' next events for the judgement afterwards (``later.py``).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.verdict import judge_chains, rule_on
from detector.evaluation.scan.finding import Candidate, Finding
from detector.evaluation.scan.later import Later
from detector.evaluation.scan.tally import ClassTally, Hour, Tally, Unknown
from detector.evaluation.scan.thin_data import thin_data
from detector.evidence import Moment
from detector.household.sessions import observe, remember
from detector.household.state import HouseholdState
from detector.progress import Progress, silent

__all__ = ["Scan", "scan"]

_JUDGING, _AFTERWARDS = "judging commands", "looking at what came after"
#: Events between two reports of progress.
_REPORT_EVERY = 200
#: Commands that are judged at once.
_BATCH = 256
#: Events in a batch, in a log with few commands.
_LONGEST = 8_192
#: Candidates per finding: what came after them changes their order.
_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan, with the worst findings first.

    Attributes:
        bundle: version of the bundle.
        events: number of events.
        households: number of households.
        commands: number of committing events, all of which were judged.
        first: time of the first command, or ``None`` without commands.
        last: time of the last command.
        days: number of days with commands.
        classes: counts and verdicts by risk class.
        unknown: commands with intents that the bundle does not know.
        week: counts by weekday (from Monday) and hour of the day.
        thin: warnings about what there is too little data for.
        findings: the chains that are most likely misfires.
    """

    bundle: str
    events: int
    households: int
    commands: int
    first: datetime | None
    last: datetime | None
    days: int
    classes: dict[str, ClassTally]
    unknown: Unknown
    week: tuple[tuple[Hour, ...], ...]
    thin: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def interrupted(self) -> int:
        """The commands that the bundle would not have allowed."""
        return sum(found.interrupted for found in self.classes.values())


def scan(
    events: Iterable[IntentEvent],
    bundle: Bundle,
    *,
    top: int = 20,
    zone: tzinfo = UTC,
    progress: Progress = silent,
) -> Scan:
    """Find the chains of a log that are most likely misfires.

    Each command is judged by the same evidence, judge and rules as in a worker, before its
    household learns from it. Nothing reports outcomes, so the household learns from every command.
    The worst by this judgement are then judged again with what came after them, and ordered by the
    mean of both log-likelihood ratios.

    Args:
        events: the log, each household's events in order of time.
        bundle: supplies what all households do, the judge, the calibration and the policy.
        top: the largest number of findings.
        zone: time zone of the days and hours in the result.
        progress: called with (stage, done, total); the total of the first stage is unknown, 0.
    """
    scanner = _Scanner(bundle, _CANDIDATES * top, Tally(zone))
    number = 0
    for number, event in enumerate(events, 1):
        scanner.add(event)
        if number % _REPORT_EVERY == 0:
            progress(_JUDGING, number, 0)
    progress(_JUDGING, number, number)
    return scanner.result(number, top, progress)


@dataclass(slots=True)
class _Home:
    state: HouseholdState
    #: Candidates that need the household's next events.
    waiting: list[Candidate] = field(default_factory=list)


@dataclass(slots=True)
class _Scanner:
    bundle: Bundle
    most: int
    tally: Tally
    homes: dict[str, _Home] = field(default_factory=dict)
    #: (ratio in bits, minus the command's number, candidate): of equal ones, the first is kept.
    worst: list[tuple[float, int, Candidate]] = field(default_factory=list)
    #: Events since the last batch, and the commands among them with their places.
    events: list[IntentEvent] = field(default_factory=list)
    batch: list[tuple[int, Moment]] = field(default_factory=list)

    def add(self, event: IntentEvent) -> None:
        home = self.homes.get(event.household_id)
        if home is None:
            home = _Home(HouseholdState.new(event.household_id))
            self.homes[event.household_id] = home
        if home.waiting:
            home.waiting = [each for each in home.waiting if each.later.needs(home.state)]
            for candidate in home.waiting:
                candidate.later.events.append(event)
        model, policy = self.bundle.model, self.bundle.policy
        observation, state = observe(home.state, event, model, policy, at=event.seconds)
        if event.commits and observation.chain is not None:
            moment = Moment.of(event, observation.session, observation.chain, state, model)
            self.batch.append((len(self.events), moment))
        home.state = remember(state, event, observation, at=event.seconds)
        self.events.append(event)
        if len(self.batch) == _BATCH or len(self.events) == _LONGEST:
            self.judge()

    def judge(self) -> None:
        """Judge the commands of the batch, and begin another one."""
        bundle, moments = self.bundle, [moment for _, moment in self.batch]
        risks = [bundle.classify(moment.event.intent).risk for moment in moments]
        judgements = judge_chains(moments, bundle, risks)
        for (place, moment), judgement, risk in zip(self.batch, judgements, risks, strict=True):
            ruling = rule_on(moment, judgement, bundle, risk)
            self.tally.add(moment, ruling, risk, bundle)
            full = len(self.worst) == self.most
            if judgement.failed or (full and judgement.ratio_bits <= self.worst[0][0]):
                continue
            household_id = moment.event.household_id
            after = [each for each in self.events[place + 1 :] if each.household_id == household_id]
            self._keep(Candidate(Later(moment, after), judgement, ruling, risk), full=full)
        self.events, self.batch = [], []

    def _keep(self, candidate: Candidate, *, full: bool) -> None:
        entry = (candidate.judgement.ratio_bits, -self.tally.commands, candidate)
        if full:
            *_, evicted = heapq.heapreplace(self.worst, entry)
            self._forget(evicted)
        else:
            heapq.heappush(self.worst, entry)
        self.homes[candidate.later.moment.event.household_id].waiting.append(candidate)

    def _forget(self, candidate: Candidate) -> None:
        home = self.homes[candidate.later.moment.event.household_id]
        home.waiting = [each for each in home.waiting if each is not candidate]

    def result(self, events: int, top: int, progress: Progress) -> Scan:
        self.judge()
        tally, findings = self.tally, []
        worst = [candidate for *_, candidate in sorted(self.worst, reverse=True)]
        for number, candidate in enumerate(worst):
            progress(_AFTERWARDS, number, len(worst))
            findings.append(candidate.finding(self.bundle))
        progress(_AFTERWARDS, len(worst), len(worst))
        findings.sort(key=lambda finding: -finding.rank_bits)
        return Scan(
            bundle=self.bundle.version,
            events=events,
            households=len(self.homes),
            commands=tally.commands,
            first=tally.first,
            last=tally.last,
            days=len(tally.days),
            classes={risk.value: found for risk, found in sorted(tally.classes.items())},
            unknown=tally.unknown,
            week=tally.week,
            thin=thin_data(tally, [home.state for home in self.homes.values()]),
            findings=tuple(findings[:top]),
        )
