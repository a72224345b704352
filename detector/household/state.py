"""What is remembered of one household: plain immutable values that survive a round trip through JSON.

Every list is bounded; each bound says where it comes from. How the values change is in ``household.py`` (learning)
and ``pipeline.py`` (events).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detector.contracts.clocks import apart
from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import Outcome
from detector.contracts.standing import Standing

__all__ = [
    "Chain",
    "HouseholdState",
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
#: Turns of one conversation that are kept; the longest Schema-Guided dialogue has 29 user turns.
MAX_TURNS = 64
#: Slots that a session or a chain remembers, the one that was named first forgotten first; the largest Schema-Guided intent has 14.
MAX_KNOWN_SLOTS = 32
#: Committed chains that wait for their outcome.
MAX_PENDING = 16
#: Outcomes that came before their event (two topics have no common order).
MAX_EARLY = 8
#: Decisions that a repeated event gets again, those of the household's latest events whatever became of their sessions.
MAX_RECENT = 8
#: Questions that are remembered, open or answered; the policy lets no more than six be open.
MAX_QUESTIONS = 8
#: Seconds after which a closed question, or an outcome without its event, is forgotten: a policy looks back at an hour of questions.
FORGET_SECONDS = 86_400.0
#: Intents that are remembered, the latest used first; large assistants have a few hundred.
MAX_INTENTS = 256
#: Slot values that are remembered, the latest used first.
MAX_TOKENS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Decayed count of meant uses, and the learned-session number of the last one."""

    count: float
    session: int


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The open chain of a session. ``act`` is its first turn's, ``start`` that turn's index in the session.

    Confidences are those of the chain's turns that have one.
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
    """The session's latest turns in a row about one domain. ``start`` is the index of the first of them.

    ``intent`` is the last one that was talked about, and ``committed`` says whether it was carried out; ``commits`` counts the commands.
    ``slot_bits`` are the surprisals of which slots each turn said. ``follows_command`` and ``interrupts`` tell of the subject
    before: whether it held a command, and whether it was left in the middle of one; ``None`` where there was none. ``told`` are the
    slots of the session's subjects before, with their domains.
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
    """One conversation: its turns so far as symbols, where the filter stands, the subject, and the open chain.

    ``seconds`` is the log's time of its last turn, ``ahead`` by how much the device's clock was ahead of it (``clocks.py``).
    ``filter`` is the posterior over the clones of the last symbol. ``symbols`` and ``intents`` hold the
    last ``MAX_TURNS`` turns; ``turns`` counts all of them.
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
        """The device's time of the last turn, as far as it is believed."""
        return self.seconds + self.ahead


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A command that the household has not learned from yet, and how it stands. ``confirmation_id`` is that of the question about it.

    ``seconds`` is the log's time of its commit, ``ahead`` as in ``Session``.
    """

    event_id: str
    session_id: str
    intent: str
    seconds: float
    tokens: tuple[str, ...]
    standing: Standing
    confirmation_id: str | None = None
    ahead: float = 0.0

    @property
    def device_seconds(self) -> float:
        """The device's time of the commit, as far as it is believed."""
        return self.seconds + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A confirmation that was asked for: what it is bound to, and what became of it.

    ``session`` is the conversation as it was, its chain and the committing event with it; it is kept while the question is ``open``.
    Later ``state`` is what closed it: ``confirmed`` (``answered_with`` says how), ``denied``, ``superseded`` by another question about the
    same intent, or ``over``.
    ``asked``, ``expires`` and ``closed`` are the log's times.
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
    """Everything that is remembered of one household.

    ``events`` counts the events that were applied, each once; ``learned`` the sessions that taught something. ``hours`` are decayed
    counts of meant sessions per part of the week, ``novelty`` the decayed share of them that used a domain for the first time.
    ``taught`` counts the sessions of the latest day (``taught_on``, days since 1970 by the log's time, UTC) that had something to
    teach, also those beyond the bound, which taught nothing.
    ``early`` are outcomes that came before their event, each with the log's time instead of its own.
    ``tokens`` are digests of slot values, the latest used first (``household.token``).
    ``fingerprints`` are those of the events in ``recent``, by ``event_id``.
    """

    household_id: str
    events: int = 0
    learned: int = 0
    taught_on: int = 0
    taught: int = 0
    intents: dict[str, Usage] = field(default_factory=dict)
    domains: dict[str, Usage] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()
    hours: tuple[float, ...] = ()
    novelty: float = 0.0
    sessions: tuple[Session, ...] = ()
    pending: tuple[Pending, ...] = ()
    early: tuple[Outcome, ...] = ()
    recent: tuple[Decision, ...] = ()
    questions: tuple[Question, ...] = ()
    fingerprints: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, household_id: str) -> HouseholdState:
        """Return the state of a household that was never heard of."""
        return cls(household_id=household_id)


def known_slots(before: dict[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Return the slots after a turn: the latest token of each name; beyond the bound the name that came first is forgotten."""
    if not said:
        return before
    after = {**before, **said}
    for name in list(after)[:-MAX_KNOWN_SLOTS]:
        del after[name]
    return after


def is_open(question: Question, at: float) -> bool:
    """Return whether a question can still be answered at the log's time ``at``.

    The log's time may have gone back since, but not by more than the question's own life: then it was asked at a time that never was.
    """
    return (
        question.state == "open" and apart(at, question.asked) <= question.expires - question.asked
    )
