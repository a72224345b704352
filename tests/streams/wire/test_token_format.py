from __future__ import annotations

from typing import Any

import pytest

from detector.contracts.events import IntentEvent, OutcomeKind
from streams.errors import RecordError
from streams.wire.token_format import TOKEN, check_tokens
from tests.detector.builders import event, outcome

SENTENCE = "call my doctor"


@pytest.mark.parametrize("token", ["k1_5f0c", "v_642e0156beb0", "k1_9a", f"tenant7_{'0f' * 32}"])
def test_tokens_are_accepted(token: str) -> None:
    check_tokens(event(slots={"contact": token}), ids=False)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "mom",
        SENTENCE,
        "living_room",
        "k1_",
        "k1_mom",
        "K1_5f0c",
        "k1_5F0C",
        "_5f0c",
        "k1_5f0c\n",
        " k1_5f0c",
    ],
)
def test_other_values_are_refused_and_not_quoted(said: str) -> None:
    with pytest.raises(RecordError) as refused:
        check_tokens(event(slots={"contact": "k1_5f0c", "text": said}), ids=False)
    assert refused.value.code == "not_tokens"
    assert str(refused.value).startswith("slots (a value):")
    assert (
        not said.strip() or TOKEN.fullmatch(said.strip()) or f" {said} " not in str(refused.value)
    )


@pytest.mark.parametrize("name", ["", SENTENCE, "a\nb", "x" * 65, "ключ"][1:])
def test_a_sentence_is_not_a_slot_name(name: str) -> None:
    with pytest.raises(RecordError, match=r"^slots \(a name\)"):
        check_tokens(event(slots={name: "k1_5f0c"}), ids=False)


@pytest.mark.parametrize("field", ["household_id", "device_id", "speaker_id"])
def test_ids_have_to_be_tokens_if_required(field: str) -> None:
    tokens: dict[str, Any] = dict.fromkeys(("household_id", "device_id", "speaker_id"), "h1_00ff")
    good: IntentEvent = event(**tokens)
    check_tokens(good, ids=True)
    raw: IntentEvent = event(**(tokens | {field: "anna"}))
    check_tokens(raw, ids=False)
    with pytest.raises(RecordError, match=f"^{field}:"):
        check_tokens(raw, ids=True)


def test_only_the_household_of_an_outcome_must_be_a_token() -> None:
    reported = outcome("e1", OutcomeKind.DENIED)
    check_tokens(reported, ids=False)
    with pytest.raises(RecordError, match=r"^household_id:"):
        check_tokens(reported, ids=True)
