from __future__ import annotations

import json
from dataclasses import replace

import pytest

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.decisions import ConfirmMethod, Rung, Verdict
from detector.contracts.errors import InvalidValue
from detector.contracts.events import OutcomeKind
from detector.decision.decide import apply_outcome
from detector.household.learning import token
from streams.errors import RecordError
from streams.gateway.provisional_answers import Provisional, late_answer
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import (
    DEAD_LETTERS,
    DECISIONS,
    HOUSEHOLDS,
    INCIDENTS,
    INTENTS,
    OUTCOMES,
    REPLIES,
    RULES,
    SHADOWS,
)
from streams.local.bench.largest_household import largest
from streams.privacy.ownership import Whose, judge, owners_in
from streams.wire.cloudevents import wrapped
from streams.wire.late_answer import LATE, LateAnswer
from streams.wire.records import ANSWER, DECISION, INTENT, RULE
from streams.wire.shadow_verdict import SHADOW_VERDICT
from streams.wire.state.marks import Mark
from streams.wire.state.packing import Stored, pack
from tests.detector.builders import DOUBTFUL, hand_bundle, heard, outcome, run, send_message
from tests.detector.rules import rule
from tests.streams.privacy.log import (
    decision_of,
    home,
    intent_of,
    state_of,
    state_with,
    with_fields,
)
from tests.streams.shadow_verdicts import shadowed


def given_by(number: int) -> ConfirmationAnswer:
    """A spoken yes."""
    said = intent_of(number, 0)
    return ConfirmationAnswer(
        confirmation_id="c1",
        answer_id="a1",
        household_id=home(number),
        session_id=said.session_id,
        intent=said.intent,
        method=ConfirmMethod.SPOKEN,
        accepted=True,
        time=said.time,
        heard=said,
    )


def late_about(number: int) -> LateAnswer:
    """A late answer about an event of the household."""
    decided = replace(decision_of(intent_of(number, 0)), effective_verdict=Verdict.BLOCK)
    found = late_answer(Provisional(Verdict.ALLOW, Rung.POLICY, "", 0.0, None), decided, 1.0)
    assert found is not None
    return found


def lived_in() -> Stored:
    """Return a state with events, learned habits and an open question."""
    bundle = hand_bundle()
    _, state = run(heard(send_message(), DOUBTFUL), bundle)
    done = outcome(state.pending[0].event_id, OutcomeKind.EXECUTED)
    state = apply_outcome(state, done, at=done.time.timestamp())
    tokens = tuple(token(name, "k1_00") for name in ("contact", "text"))
    return Stored(state=replace(state, tokens=tokens), intents=(Mark("t", 0, 3),))


US, THEM = home(1), home(2)
GOOD = INTENT.encode(intent_of(1, 0))


def held(
    topic: str, key: str | None, value: bytes | None, *headers: tuple[str, bytes]
) -> TopicRecord:
    return TopicRecord(
        Place(topic, 0, 0), 0.0, None if key is None else key.encode(), value, headers
    )


@pytest.mark.parametrize(
    ("record", "whose"),
    [
        (held(INTENTS, US, GOOD), Whose.OURS),
        (held(INTENTS, THEM, INTENT.encode(intent_of(2, 0))), Whose.OTHERS),
        (held(INTENTS, THEM, GOOD), Whose.DISPUTED),
        (held(INTENTS, US, INTENT.encode(intent_of(2, 0))), Whose.DISPUTED),
        (held(INTENTS, US, with_fields(GOOD, more={"deep": [{"household_id": THEM}]})), Whose.OURS),
        (held(INTENTS, US, with_fields(GOOD, more={"household_id": {"a": 1}})), Whose.OURS),
        (held(INTENTS, US, b'{"household_id": "h9_99", ' + GOOD[1:]), Whose.OURS),
        (held(INTENTS, US, GOOD[:-1] + f', "household_id": "{THEM}"}}'.encode()), Whose.DISPUTED),
        (
            held(INTENTS, THEM, with_fields(GOOD, household_id=THEM, more={"household_id": US})),
            Whose.OTHERS,
        ),
        (held(INTENTS, US, GOOD.replace(b'"household_id"', b'"house\\u0068old_id"')), Whose.OURS),
        (held(INTENTS, None, GOOD), Whose.UNCHECKED),
        (held(INTENTS, US, b"{"), Whose.UNCHECKED),
        (held(INTENTS, US, b"[" * 100_000), Whose.UNCHECKED),
        (held(INTENTS, US, b'{"n": ' + b"9" * 10_000 + b"}"), Whose.UNCHECKED),
        (held(INTENTS, US, with_fields(GOOD, act="sing")), Whose.UNCHECKED),
        (held(INTENTS, US, GOOD, ("ce_type", b"assistant.unheard-of.v1")), Whose.UNCHECKED),
        (held(INTENTS, US, with_fields(GOOD, slots={"household_id": THEM})), Whose.UNCHECKED),
        (
            held(INTENTS, THEM, with_fields(GOOD, household_id=THEM, slots={"household_id": US})),
            Whose.OTHERS,
        ),
        (held(INTENTS, THEM, f'{{"{US}"'.encode()), Whose.OTHERS),
        (held(INTENTS, THEM, b"{"), Whose.OTHERS),
        (held(INTENTS, None, b"{}"), Whose.OTHERS),
        (TopicRecord(Place(INTENTS, 0, 0), 0.0, b"\xff\xfe", GOOD), Whose.DISPUTED),
        (held(REPLIES, None, DECISION.encode(decision_of(intent_of(1, 0)))), Whose.OURS),
        (held(REPLIES, None, DECISION.encode(decision_of(intent_of(2, 0)))), Whose.OTHERS),
        (held(DEAD_LETTERS, US, GOOD, ("misfire_topic", INTENTS.encode())), Whose.OURS),
        (held(DEAD_LETTERS, THEM, GOOD, ("misfire_topic", INTENTS.encode())), Whose.DISPUTED),
        (held(DEAD_LETTERS, US, GOOD), Whose.UNCHECKED),
        (held(HOUSEHOLDS, US, state_of(1, 3)), Whose.OURS),
        (held(HOUSEHOLDS, THEM, state_of(1, 3)), Whose.DISPUTED),
        (held(HOUSEHOLDS, US, None), Whose.UNCHECKED),
        (held(HOUSEHOLDS, US, b"\xff\x00damaged"), Whose.UNCHECKED),
    ],
)
def test_key_and_content_must_agree(record: TopicRecord, whose: Whose) -> None:
    judged = judge(record, US)
    assert judged.whose is whose
    assert bool(judged.content) == (whose is Whose.OURS)


def test_every_decision_in_a_state_determines_its_owner() -> None:
    assert judge(held(HOUSEHOLDS, US, state_with(1, 2)), US).whose is Whose.FOREIGN


@pytest.mark.parametrize(
    "topic", [INTENTS, OUTCOMES, DECISIONS, INCIDENTS, SHADOWS, DEAD_LETTERS, REPLIES]
)
def test_a_record_is_a_state_only_in_the_topic_of_states(topic: str) -> None:
    typed = ("ce_type", b"misfire.household-state.v1")
    of_a_letter = ("misfire_topic", INTENTS.encode())
    for value in (state_with(1, 2), state_of(1, 2)):
        assert judge(held(topic, US, value, typed, of_a_letter), US).whose is Whose.UNCHECKED
        assert judge(held(topic, None, value, typed, of_a_letter), US).whose is Whose.OTHERS


def test_a_structured_cloudevent_is_inspected() -> None:
    for number, whose in ((1, Whose.OURS), (2, Whose.DISPUTED)):
        value = wrapped(INTENT.encode(intent_of(number, 0)), INTENT, "e1", "test")
        record = held(INTENTS, US, value, ("content-type", b"application/cloudevents+json"))
        judged = judge(record, US)
        assert (judged.whose, judged.content) == (whose, GOOD if whose is Whose.OURS else b"")


def test_the_declared_fields_of_every_kind_determine_its_owner() -> None:
    said, answer = intent_of(1, 0), ANSWER.encode(given_by(1))
    told = LATE.encode(late_about(1))
    shadow = shadowed(send_message(household_id=US))
    for topic, kind, value in (
        (INTENTS, INTENT, INTENT.encode(said)),
        (OUTCOMES, ANSWER, answer),
        (INCIDENTS, LATE, told),
        (SHADOWS, SHADOW_VERDICT, SHADOW_VERDICT.encode(shadow)),
        (DECISIONS, DECISION, DECISION.encode(decision_of(said))),
    ):
        typed = ("ce_type", kind.type.encode())
        assert judge(held(topic, US, value, typed), US).whose is Whose.OURS
        assert judge(held(topic, THEM, value, typed), THEM).whose is Whose.DISPUTED


def test_an_answer_cannot_name_two_households() -> None:
    """Otherwise, such an answer would block the exports of two households."""
    with pytest.raises(InvalidValue, match="another household"):
        replace(given_by(1), heard=intent_of(2, 0))
    with pytest.raises(RecordError, match="another household"):
        ANSWER.decode(
            with_fields(
                ANSWER.encode(given_by(1)), heard=json.loads(INTENT.encode(intent_of(2, 0)))
            )
        )


def test_only_the_decoded_content_is_exported() -> None:
    value = with_fields(GOOD, unknown="bytes that nobody reads")
    assert judge(held(INTENTS, US, value), US).content == GOOD


def test_a_decision_is_exported_with_its_type() -> None:
    record = held(DECISIONS, US, DECISION.encode(decision_of(intent_of(1, 0))))
    assert judge(record, US).type == DECISION.type


@pytest.mark.parametrize("lived", [largest(), lived_in()], ids=["largest", "lived in"])
def test_a_real_state_is_exported_and_read_again(lived: Stored) -> None:
    owner = lived.state.household_id
    judged = judge(held(HOUSEHOLDS, owner, pack(lived)), owner)
    assert judged.whose is Whose.OURS
    line = json.dumps({"type": judged.type, "record": json.loads(judged.content)}).encode()
    assert owners_in(line) == {owner}


@pytest.mark.parametrize(
    ("household_id", "whose"), [("h1", Whose.OURS), ("h2", Whose.OTHERS), (None, Whose.OTHERS)]
)
def test_a_rule_belongs_to_the_household_that_it_names(
    household_id: str | None, whose: Whose
) -> None:
    value = RULE.encode(rule(rule_id="h1", household_id=household_id))

    assert judge(TopicRecord(Place(RULES, 0, 0), 0.0, b"h1", value), "h1").whose is whose
    assert judge(TopicRecord(Place(RULES, 0, 1), 0.0, b"h1", None), "h1").whose is Whose.OTHERS
