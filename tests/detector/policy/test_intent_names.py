import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import INTENT_FORM
from detector.policy.intent_names import canonical, key_of, readings, words_in


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("TurnOn", ["turn", "on"]),
        ("turn_on", ["turn", "on"]),
        ("TURN_ON", ["turn", "on"]),
        ("HVACMode", ["hvac", "mode"]),
        ("smartLock", ["smart", "lock"]),
        ("GETState", ["get", "state"]),
        ("Control_12", ["control", "12"]),
        ("unlockdoor", ["unlockdoor"]),
        ("__", []),
    ],
)
def test_a_name_is_split_into_words(part: str, words: list[str]) -> None:
    assert words_in(part) == words


@pytest.mark.parametrize(
    ("intent", "word"),
    [
        ("lights.Unl0ck", "unlock"),
        ("lights.0pen_1", "open"),
        ("music.P4y", "pay"),
        ("music.D1al", "dial"),
        ("music.De1ete", "delete"),
        ("music.PAYbill", "pay"),
        ("music.UnlockNow", "unlock"),
    ],
)
def test_possible_words_are_found(intent: str, word: str) -> None:
    assert word in set(readings(intent))


@given(st.from_regex(INTENT_FORM, fullmatch=True))
def test_every_intent_has_a_canonical_form_that_ignores_case(intent: str) -> None:
    domain, name = canonical(intent).split(".")
    assert all(part == "" or part.endswith("_") for part in (domain, name))
    assert canonical(intent) == canonical(intent).lower()
    assert key_of(intent) == key_of(intent.swapcase())
