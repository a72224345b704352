"""The state of one household: immutable values that survive a round trip through JSON.

Every list is bounded, and each bound says where it comes from. ``sessions.py`` updates the state by
events, ``outcomes.py`` by outcomes and answers, and ``learning.py`` learns and forgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.contracts.clocks import apart
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import Outcome
from detector.contracts.standing import Standing
from detector.household.command_counts import Commands

__all__ = [
    "HABITS",
    "LEARNED",
    "Chain",
    "Habits",
    "HouseholdState",
    "Labelled",
    "PastCommand",
    "Pending",
    "Question",
    "Session",
    "Subject",
    "Usage",
    "is_open",
    "known_slots",
]

#: A home has a handful of devices, each in one conversation at a time.
MAX_SESSIONS = 8
#: Turns kept per conversation; the longest Schema-Guided dialogue has 29 user turns.
MAX_TURNS = 64
#: Slots kept per session or chain, the latest named; the largest Schema-Guided intent has 14.
MAX_KNOWN_SLOTS = 32
#: Committed chains that wait for their outcome.
MAX_PENDING = 16
#: Outcomes that arrived before their event; the two topics have no common order.
MAX_EARLY = 8
#: Decisions on the household's latest events, which a redelivered event gets again.
MAX_RECENT = 8
#: Questions kept, open or answered; the policy allows at most six open ones.
MAX_QUESTIONS = 8
#: Seconds after which a closed question, or an outcome without its event, is removed; a policy
#: considers the questions of the last hour.
FORGET_SECONDS = 86_400.0
#: Intents kept, the latest used; large assistants have a few hundred.
MAX_INTENTS = 256
#: Slot values kept, the latest used.
MAX_TOKENS = 64
#: Earlier commands that a label can still reach, the latest; a busy home gives 40 a day.
MAX_PAST = 32
#: Labels that can be withdrawn, the latest; the effect of an earlier one is final.
MAX_LABELS = 32

#: The fields of a household's state that describe its habits, and what labels change in them.
HABITS = (
    *("learned", "intents", "domains", "tokens", "hours", "novelty", "commands"),
    *("past", "labels", "label_ids", "unlabelled"),
)
#: The fields that change by learning.
LEARNED = ("taught_on", "taught", *HABITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The decayed count of meant uses, and the number of the learned session with the last use."""

    count: float
    session: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The open chain of a session.

    ``act`` is the act of the first turn and ``start`` its index in the session. ``bits`` are the
    surprisals of the turns. ``repeated`` counts slots that were named again in the chain, and
    ``conflicts`` those that were named with another token than before in the session. The
    confidences are those of the turns that have one.
    """

    intent: str
    act: str
    start: int
    bits: tuple[float, ...]
    slots: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    conflicts: int = 0
    intent_confidences: tuple[float, ...] = ()
    asr_confidences: tuple[float, ...] = ()
    wake_confidences: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The session's latest consecutive turns about one domain; ``start`` is the index of the first.

    ``intent`` is the latest intent, and ``committed`` says whether it was committed; ``commits``
    counts the commands. ``slots`` are the names of the slots so far. For each turn, ``bits`` is the
    surprisal of the event and ``slot_bits`` that of its set of slot names.

    Three fields describe the subjects before: ``follows_command`` says whether the previous one
    contained a command, and ``interrupts`` whether it ended before its command was committed
    (``None`` if there was no subject before). ``told`` are the slots of all earlier subjects of the
    session, qualified by their domain.
    """

    domain: str
    intent: str
    start: int
    bits: tuple[float, ...] = ()
    slot_bits: tuple[float, ...] = ()
    slots: tuple[str, ...] = ()
    commits: int = 0
    committed: bool = False
    follows_command: bool | None = None
    interrupts: bool | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Session:
    """One conversation: its turns as symbols, the filter, the subject and the open chain.

    ``seconds`` is the log's time of the last turn, and ``ahead`` the seconds by which the device's
    local time was ahead of it: by its zone, and because its clock was wrong
    (``contracts/clocks.py``). ``filter`` is the posterior over the clones of the last symbol.
    ``symbols`` and ``intents`` are those of the last ``MAX_TURNS`` turns; ``turns`` counts all
    turns. ``committed`` are the intents of the session's commands.
    """

    session_id: str
    device_id: str
    seconds: float
    turns: int
    symbols: tuple[int, ...]
    intents: tuple[str, ...]
    filter: tuple[float, ...]
    slots: dict[str, str] = field(default_factory=dict)
    committed: tuple[str, ...] = ()
    subject: Subject | None = None
    chain: Chain | None = None
    ahead: float = 0.0

    @property
    def device_seconds(self) -> float:
        """The local time of the last turn, by the device's clock or the log's."""
        return self.seconds + self.ahead


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A command that the household has not learned from yet.

    ``confirmation_id`` is that of the question about the command. ``seconds`` is the log's time of
    the committing event, and ``ahead`` is as in ``Session``. ``device`` is the digest of the
    device, and ``contexts`` are those in which the command counts (``command_counts.py``).
    """

    event_id: str
    session_id: str
    intent: str
    seconds: float
    tokens: tuple[str, ...]
    standing: Standing
    confirmation_id: str | None = None
    ahead: float = 0.0
    device: str = ""
    contexts: tuple[str, ...] = ()

    @property
    def device_seconds(self) -> float:
        """The local time of the commit, by the device's clock or the log's."""
        return self.seconds + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCommand:
    """An earlier command: what a household learned from it, or would have learned.

    ``event`` is the digest of its event id, and ``lesson`` the number of the learned session that
    contained it; 0 if the household did not learn from it. The other fields are as in ``Pending``.
    """

    event: str
    intent: str
    device: str
    seconds: float
    ahead: float = 0.0
    tokens: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    lesson: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A label that is in force.

    ``at`` is the log time of the label in seconds, and ``session`` the number of learned sessions
    at that time. ``tokens`` are the slot values that the household knows only from a misfire.
    """

    command: PastCommand
    misfire: bool
    at: float
    session: int
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a household learned without its labels; the fields are as in ``HouseholdState``."""

    intents: dict[str, Usage] = field(default_factory=dict)
    domains: dict[str, Usage] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    hours: tuple[float, ...] = ()
    commands: Commands = field(default_factory=Commands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A requested confirmation: the command it belongs to, and its state.

    ``session`` is a copy of the conversation including the committing event and its chain; it is
    kept while ``state`` is ``open``. A closed question is ``confirmed`` (by the method
    ``answered_with``), ``denied``, ``superseded`` by another question about the same intent, or
    ``over``. ``asked``, ``expires`` and ``closed`` are log times in seconds.
    """

    confirmation_id: str
    event_id: str
    session_id: str
    intent: str
    slots: dict[str, str]
    asked: float
    expires: float
    methods: tuple[ConfirmMethod, ...]
    challenge: tuple[str, ...] = ()
    session: Session | None = None
    attempts: int = 0
    state: str = "open"
    closed: float = 0.0
    answered_by: str | None = None
    answered_with: ConfirmMethod | None = None


@dataclass(frozen=True, kw_only=True)
class HouseholdState:
    """Everything that is stored about one household.

    ``events`` counts the applied events, each once, and ``learned`` the sessions that the household
    learned from. ``intents`` and ``domains`` are ordered by latest use. ``hours`` are decayed
    counts of meant sessions per part of the week. ``novelty`` is the decayed share of meant
    sessions that used a domain for the first time.

    ``taught`` counts the sessions of the latest day that the household could learn from, including
    those that ``LESSONS_A_DAY`` excluded. ``taught_on`` is that day, in days since 1970 by the
    log's time in UTC.

    ``given`` counts the commands of the latest hour, and ``given_in`` is that hour, in hours since
    1970 by the log's time (``command_rate.py``).

    ``commands`` are the latest commands and the counts of meant ones by context.

    ``early`` are outcomes that arrived before their event, dated by the log's time. ``tokens`` are
    digests of slot values (``learning.token``), the latest used first. ``fingerprints`` are those
    of the events in ``recent``, by ``event_id``.

    ``past`` are commands that are no longer pending, the latest last. ``labels`` are the labels in
    force (``relearning.py``), in the order of the log, and ``label_ids`` are digests of the latest
    labels' ids. With labels in force, ``unlabelled`` are the habits without them, and the fields of
    the same names are the habits with them.
    """

    household_id: str
    events: int = 0
    learned: int = 0
    taught_on: int = 0
    taught: int = 0
    given_in: int = 0
    given: int = 0
    intents: dict[str, Usage] = field(default_factory=dict)
    domains: dict[str, Usage] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    hours: tuple[float, ...] = ()
    novelty: float = 0.0
    commands: Commands = field(default_factory=Commands)
    sessions: tuple[Session, ...] = ()
    pending: tuple[Pending, ...] = ()
    early: tuple[Outcome, ...] = ()
    recent: tuple[Decision, ...] = ()
    questions: tuple[Question, ...] = ()
    fingerprints: dict[str, str] = field(default_factory=dict)
    past: tuple[PastCommand, ...] = ()
    labels: tuple[Labelled, ...] = ()
    label_ids: tuple[str, ...] = ()
    unlabelled: Habits | None = None

    @classmethod
    def new(cls, household_id: str) -> HouseholdState:
        """Return the state of a household without any events."""
        return cls(household_id=household_id)


def known_slots(before: dict[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Return the slots after a turn: the latest token of each name.

    Beyond ``MAX_KNOWN_SLOTS`` the names that came first are removed.
    """
    if not said:
        return before
    after = {**before, **said}
    for name in list(after)[:-MAX_KNOWN_SLOTS]:
        del after[name]
    return after


def is_open(question: Question, at: float) -> bool:
    """Return whether a question can still be answered at the log's time ``at``.

    The log's time may have gone back since the question was asked. If it went back by more than the
    question's lifetime, the question was asked at a wrong timestamp and is not open.
    """
    return (
        question.state == "open" and apart(at, question.asked) <= question.expires - question.asked
    )
