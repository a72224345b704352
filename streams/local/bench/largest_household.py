"""The largest possible household: every list full, every text at its maximum length.

The size of its JSON is an upper bound for stored states.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.contracts.challenge_words import WORDS
from detector.contracts.decisions import (
    Confirm,
    ConfirmMethod,
    Decision,
    Enforcement,
    Expected,
    Reason,
    RiskClass,
    Rung,
    Verdict,
)
from detector.contracts.events import MAX_ID_LENGTH, Outcome, OutcomeKind, OutcomeSource
from detector.contracts.standing import Standing
from detector.household.command_counts import (
    MAX_CHARACTERS,
    MAX_COMMANDS,
    MAX_CONTEXTS,
    MAX_USES,
    MOST,
    Command,
    Commands,
)
from detector.household.labelling import MAX_LABEL_IDS
from detector.household.state import (
    MAX_EARLY,
    MAX_INTENTS,
    MAX_KNOWN_SLOTS,
    MAX_LABELS,
    MAX_PAST,
    MAX_PENDING,
    MAX_QUESTIONS,
    MAX_RECENT,
    MAX_SESSIONS,
    MAX_TOKENS,
    MAX_TURNS,
    Chain,
    Habits,
    HouseholdState,
    Labelled,
    PastCommand,
    Pending,
    Question,
    Session,
    Subject,
    Usage,
)
from detector.population.base_rates import PARTS_OF_WEEK
from streams.wire.state.marks import MAX_MARKS, Mark
from streams.wire.state.packing import Stored

__all__ = ["largest"]

#: The longest float in JSON, the largest counter, and an id of quotation marks, which JSON escapes.
_FLOAT, _COUNT, _ID = -2.2250738585072014e-308, 2**63, '"' * MAX_ID_LENGTH
#: A domain and a name of 64 characters each, the longest slot name, and the longest token that a
#: worker accepts (``streams/wire/token_format.py``).
_INTENT, _NAME, _TOKEN = f"{'a' * 64}.{'a' * 64}", "a" * 64, f"{'k' * 16}_{'a' * 64}"
#: Sentences of reasons and prompts come from the bundle and the code. The longest has 115
#: characters and an intent.
_SENTENCE = "a" * 400
#: More clones than models have, and more reasons and expected events than reasons.py returns.
_CLONES, _FEW = 100, 5
_TIME = datetime(2026, 1, 5, 18, 0, 0, 123456, UTC)


def largest() -> Stored:
    """Return the largest possible household."""
    state = HouseholdState(
        household_id=_ID,
        events=_COUNT,
        learned=_COUNT,
        taught_on=_COUNT,
        given_in=_COUNT,
        given=_COUNT,
        taught=_COUNT,
        intents=_usages(_INTENT),
        domains=_usages("a" * 64),
        tokens=("a" * 6,) * MAX_TOKENS,
        hours=(_FLOAT,) * PARTS_OF_WEEK,
        novelty=_FLOAT,
        commands=_commands(),
        sessions=(_session(),) * MAX_SESSIONS,
        pending=(_pending(),) * MAX_PENDING,
        early=(_outcome(),) * MAX_EARLY,
        recent=(_decision(),) * MAX_RECENT,
        questions=(_question(),) * MAX_QUESTIONS,
        fingerprints={_numbered(_ID, number): "a" * 12 for number in range(MAX_RECENT)},
        past=(_past(),) * MAX_PAST,
        labels=(_labelled(),) * MAX_LABELS,
        label_ids=("a" * 8,) * MAX_LABEL_IDS,
        unlabelled=Habits(
            intents=_usages(_INTENT),
            domains=_usages("a" * 64),
            tokens=("a" * 6,) * MAX_TOKENS,
            hours=(_FLOAT,) * PARTS_OF_WEEK,
            commands=_commands(),
        ),
    )
    marks = (Mark(topic_id="f" * 8, partition=_COUNT, offset=_COUNT),) * MAX_MARKS
    return Stored(state=state, intents=marks, outcomes=marks, erased=_FLOAT)


def _numbered(text: str, number: int) -> str:
    """Return a variant of a text with the same length."""
    return f"{text[:-4]}{number:04}"


def _usages(name: str) -> dict[str, Usage]:
    usage = Usage(count=_FLOAT, session=_COUNT)
    return {_numbered(name, number): usage for number in range(MAX_INTENTS)}


def _slots() -> dict[str, str]:
    return {_numbered(_NAME, number): _TOKEN for number in range(MAX_KNOWN_SLOTS)}


def _session() -> Session:
    bits = (_FLOAT,) * MAX_TURNS
    return Session(
        session_id=_ID,
        device_id=_ID,
        seconds=_FLOAT,
        turns=_COUNT,
        symbols=(_COUNT,) * MAX_TURNS,
        intents=(_INTENT,) * MAX_TURNS,
        filter=(_FLOAT,) * _CLONES,
        slots=_slots(),
        committed=(_INTENT,) * MAX_TURNS,
        subject=Subject(
            domain="a" * 64,
            intent=_INTENT,
            start=_COUNT,
            bits=bits,
            slot_bits=bits,
            slots=(_NAME,) * MAX_TURNS,
            commits=_COUNT,
            committed=False,
            follows_command=False,
            interrupts=False,
            told=("a" * 65 + _NAME,) * MAX_KNOWN_SLOTS,
        ),
        chain=Chain(
            intent=_INTENT,
            act="alternatives",
            start=_COUNT,
            bits=bits,
            slots=_slots(),
            repeated=_COUNT,
            conflicts=_COUNT,
            intent_confidences=bits,
            asr_confidences=bits,
            wake_confidences=bits,
        ),
    )


def _pending() -> Pending:
    return Pending(
        event_id=_ID,
        session_id=_ID,
        intent=_INTENT,
        seconds=_FLOAT,
        tokens=("a" * 6,) * MAX_KNOWN_SLOTS,
        standing=Standing.CONFIRMED,
        confirmation_id="a" * 54,
        device="a" * 6,
        contexts=(f"@>{_INTENT}",) * 4,
    )


def _past() -> PastCommand:
    return PastCommand(
        event="a" * 8,
        intent=_INTENT,
        device="a" * 6,
        seconds=_FLOAT,
        ahead=_FLOAT,
        tokens=("a" * 6,) * MAX_KNOWN_SLOTS,
        contexts=(f"@>{_INTENT}",) * 4,
        lesson=_COUNT,
    )


def _labelled() -> Labelled:
    tokens = ("a" * 6,) * MAX_KNOWN_SLOTS
    return Labelled(command=_past(), misfire=True, at=_FLOAT, session=_COUNT, tokens=tokens)


def _commands() -> Commands:
    """Return the most commands: long names of contexts, and short keys in the remaining room."""
    name, keys = "@>" + "a" * 126, MAX_CHARACTERS // MAX_CONTEXTS // 2
    return Commands(
        latest=(Command(intent=_INTENT, device="a" * 6, seconds=_FLOAT, accepted=False),)
        * MAX_COMMANDS,
        counts={
            _numbered(name, context): {f"a.{key:02}": 2 * MOST for key in range(keys // 4)}
            for context in range(MAX_CONTEXTS)
        },
        last_used={_numbered(f"{'a' * 6} {_INTENT}", use): _FLOAT for use in range(MAX_USES)},
    )


def _outcome() -> Outcome:
    return Outcome(
        event_id=_ID,
        household_id=_ID,
        outcome=OutcomeKind.CONFIRMED,
        source=OutcomeSource.OPERATOR,
        time=_TIME,
    )


def _decision() -> Decision:
    return Decision(
        decision_id="a" * 32,
        event_id=_ID,
        household_id=_ID,
        session_id=_ID,
        intent=_INTENT,
        verdict=Verdict.CONFIRM,
        effective_verdict=Verdict.CONFIRM,
        enforcement=Enforcement.ENFORCE,
        rung=Rung.GATEWAY,
        risk_class=RiskClass.PRIVATE_OUTBOUND,
        bundle="a" * 16,
        misfire_probability=_FLOAT,
        p_value=_FLOAT,
        surprisal_bits=_FLOAT,
        event_bits=_FLOAT,
        reasons=(Reason(code="a" * 64, event_id=_ID, bits=_FLOAT, text=_SENTENCE),) * _FEW,
        expected=(Expected(intent=_INTENT, act="alternatives", probability=_FLOAT),) * _FEW,
        confirm=Confirm(
            methods=tuple(ConfirmMethod),
            prompt=_SENTENCE,
            confirmation_id="a" * 54,
            expires_at=_TIME,
            slots=_slots(),
            challenge=_words(),
        ),
        abstained=False,
        degraded=False,
        model_verdict=Verdict.CONFIRM,
        rule=_ID,
        rules="a" * 16,
    )


def _question() -> Question:
    return Question(
        confirmation_id="a" * 54,
        event_id=_ID,
        session_id=_ID,
        intent=_INTENT,
        slots=_slots(),
        asked=_FLOAT,
        expires=_FLOAT,
        methods=tuple(ConfirmMethod),
        challenge=_words(),
        session=_session(),
        attempts=_COUNT,
        state="superseded",
        closed=_FLOAT,
        answered_by=_ID,
        answered_with=ConfirmMethod.PHONE_PUSH,
    )


def _words() -> tuple[str, ...]:
    return (max(WORDS, key=len),) * _FEW
