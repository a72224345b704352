from __future__ import annotations

import json

import pytest

from streams.cloudevents import wrapped
from streams.records import DECISION, INTENT
from streams.rights.log import Held, Place
from streams.rights.ownership import Whose, judge
from streams.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, REPLIES
from tests.streams.rights.log import decision_of, home, intent_of, state_of, with_fields

US, THEM = home(1), home(2)
GOOD = INTENT.encode(intent_of(1, 0))


def held(topic: str, key: str | None, value: bytes | None, *headers: tuple[str, bytes]) -> Held:
    return Held(Place(topic, 0, 0), 0.0, None if key is None else key.encode(), value, headers)


@pytest.mark.parametrize(
    ("record", "whose"),
    [
        (held(INTENTS, US, GOOD), Whose.OURS),
        (held(INTENTS, THEM, INTENT.encode(intent_of(2, 0))), Whose.OTHERS),
        (held(INTENTS, THEM, GOOD), Whose.FOREIGN),
        (held(INTENTS, US, INTENT.encode(intent_of(2, 0))), Whose.FOREIGN),
        (held(INTENTS, US, with_fields(GOOD, more={"deep": [{"household_id": THEM}]})), Whose.FOREIGN),
        (held(INTENTS, US, with_fields(GOOD, more={"household_id": {"a": 1}})), Whose.FOREIGN),
        (held(INTENTS, US, b'{"household_id": "h9_99", ' + GOOD[1:]), Whose.FOREIGN),
        (held(INTENTS, US, GOOD.replace(b'"household_id"', b'"house\\u0068old_id"')), Whose.OURS),
        (held(INTENTS, None, GOOD), Whose.UNCHECKED),
        (held(INTENTS, US, b"{"), Whose.UNCHECKED),
        (held(INTENTS, US, b"[" * 100_000), Whose.UNCHECKED),
        (held(INTENTS, US, b'{"n": ' + b"9" * 10_000 + b"}"), Whose.UNCHECKED),
        (held(INTENTS, US, with_fields(GOOD, act="sing")), Whose.UNCHECKED),
        (held(INTENTS, US, GOOD, ("ce_type", b"assistant.unheard-of.v1")), Whose.UNCHECKED),
        (held(INTENTS, THEM, f'{{"{US}"'.encode()), Whose.UNCHECKED),
        (held(INTENTS, THEM, b"{"), Whose.OTHERS),
        (held(INTENTS, None, b"{}"), Whose.OTHERS),
        (Held(Place(INTENTS, 0, 0), 0.0, b"\xff\xfe", GOOD), Whose.FOREIGN),
        (held(REPLIES, None, DECISION.encode(decision_of(intent_of(1, 0)))), Whose.OURS),
        (held(REPLIES, None, DECISION.encode(decision_of(intent_of(2, 0)))), Whose.OTHERS),
        (held(DEAD_LETTERS, US, GOOD, ("misfire_topic", INTENTS.encode())), Whose.OURS),
        (held(DEAD_LETTERS, THEM, GOOD, ("misfire_topic", INTENTS.encode())), Whose.FOREIGN),
        (held(DEAD_LETTERS, US, GOOD), Whose.UNCHECKED),
        (held(HOUSEHOLDS, US, state_of(1, 3)), Whose.OURS),
        (held(HOUSEHOLDS, THEM, state_of(1, 3)), Whose.FOREIGN),
        (held(HOUSEHOLDS, US, None), Whose.UNCHECKED),
        (held(HOUSEHOLDS, US, b"\xff\x00damaged"), Whose.UNCHECKED),
    ],
)
def test_key_and_content_have_to_agree(record: Held, whose: Whose) -> None:
    judged = judge(record, US)
    assert judged.whose is whose
    assert bool(judged.content) == (whose is Whose.OURS)


def test_of_a_state_every_decision_in_it_counts() -> None:
    row = json.loads(state_of(1, 2))
    row["state"]["recent"][1]["household_id"] = THEM
    assert judge(held(HOUSEHOLDS, US, json.dumps(row).encode()), US).whose is Whose.FOREIGN


def test_a_cloudevent_in_structured_mode_is_looked_into() -> None:
    for number, whose in ((1, Whose.OURS), (2, Whose.FOREIGN)):
        value = wrapped(INTENT.encode(intent_of(number, 0)), INTENT, "e1", "test")
        record = held(INTENTS, US, value, ("content-type", b"application/cloudevents+json"))
        judged = judge(record, US)
        assert (judged.whose, judged.content) == (whose, GOOD if whose is Whose.OURS else b"")


def test_what_is_given_out_is_our_own_reading() -> None:
    value = with_fields(GOOD, unknown="bytes that nobody reads")
    assert judge(held(INTENTS, US, value), US).content == GOOD


def test_a_decision_says_its_type() -> None:
    record = held(DECISIONS, US, DECISION.encode(decision_of(intent_of(1, 0))))
    assert judge(record, US).type == DECISION.type
