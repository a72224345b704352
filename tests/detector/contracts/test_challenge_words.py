from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.challenge_words import WORDS, challenge_words, words_in


@given(st.text(), st.text(min_size=1), st.lists(st.sampled_from(WORDS)))
def test_challenge_words_are_distinct_and_avoid_the_households_words(
    event_id: str, key: str, usual: list[str]
) -> None:
    words = challenge_words(event_id, key, usual)
    assert words == challenge_words(event_id, key, usual)
    assert len(set(words)) == len(words)
    if len(WORDS) - len(set(usual)) >= 2:
        assert len(words) == 2
        assert not set(words) & set(usual)


def test_a_household_that_uses_every_word_still_gets_a_challenge() -> None:
    assert len(challenge_words("e1", "b1", WORDS)) == 2


def test_all_words_are_used() -> None:
    drawn = [challenge_words(f"e{number}", "b1", ()) for number in range(2000)]
    assert {word for words in drawn for word in words} == set(WORDS)
    assert len(set(drawn)) > 1500


def test_no_word_contains_another() -> None:
    assert not [(one, other) for one in WORDS for other in WORDS if one != other and one in other]


@given(st.text())
def test_words_in_keeps_only_challenge_words(text: str) -> None:
    assert set(words_in(text)) <= set(WORDS)
    assert words_in(f"{text} falcon!")[-1] == "falcon"
