from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import MILD, RiskClass
from detector.contracts.events import INTENT_FORM
from detector.policy.intent_names import key_of, words_in
from detector.policy.intent_rules import Classified, IntentRules
from detector.policy.lexicon import Lexicon
from tests.detector.builders import policy

READ, LIGHT, OUT, BUY, DOOR = RiskClass
PACKAGED = policy().intents
LEXICON = Lexicon(MappingProxyType({DOOR: ("unlock", "gas"), OUT: ("send",)}))
ORDER = list(RiskClass)

INTENTS = st.one_of(
    st.from_regex(INTENT_FORM, fullmatch=True),
    st.builds(
        "{}.{}".format,
        st.sampled_from(["lights", "lock", "media", "foo", "garage", "bank", "Cover"]),
        st.lists(
            st.sampled_from(
                ["Get", "Turn", "Open", "Reserve", "Rent", "Book", "Ride", "Share", "List"]
            ),
            min_size=1,
            max_size=4,
        ).map("".join),
    ),
)


def rules(*patterns: tuple[str, RiskClass], unclassified: RiskClass = LIGHT) -> IntentRules:
    return IntentRules(patterns, LEXICON, unclassified)


@pytest.mark.parametrize("intent", ["lights.UnlockGas", "LIGHTS.UNLOCKGAS", "lights.unlock_gas"])
def test_an_exact_name_takes_precedence_over_its_words(intent: str) -> None:
    found = rules(("lights.*", DOOR), ("Lights.UnlockGas", READ)).classify(intent)
    assert found == Classified(READ, named=True)


def test_the_first_of_two_rules_for_a_name_applies() -> None:
    assert rules(("a.B", OUT), ("a.B", READ)).classify("a.B").risk is OUT


def test_a_name_with_another_number_is_another_name() -> None:
    found = rules(("scene.Play_1", READ))
    assert (found.classify("scene.Play_1").named, found.classify("scene.Play_2").named) == (
        True,
        False,
    )


@pytest.mark.parametrize(
    ("pattern", "intent", "named"),
    [
        ("*.Get*", "x.Get", True),
        ("*.Get*", "x.GetState", True),
        ("*.Get*", "x.get_state", True),
        ("*.Get*", "x.GET_STATE", True),
        ("*.Get*", "x.GETState", True),
        ("*.Get*", "x.Getaway", False),
        ("*.Get*", "x.getaway", False),
        ("*.Get*", "x.GETAWAY", False),
        ("*.Get*", "x.TryGet", False),
        ("*.Check*", "bank.Checkers", False),
        ("*.Read*", "messages.ReadyToSend", False),
        ("*.Get*Times", "x.GetShowTimes", True),
        ("*.Get*Times", "x.GetSometimes", False),
        ("*.*State", "x.GetState", True),
        ("lights.*", "Lights.TurnOn", True),
        ("lights.*", "lights_2.TurnOn", True),
        ("lights.*", "lightsaber.TurnOn", False),
        ("lights.*", "my_lights.TurnOn", False),
        ("*lights.*", "my_lights.TurnOn", True),
        ("lights_2.*", "lights_2.TurnOn", True),
        ("lights_2.*", "lights_3.TurnOn", False),
    ],
)
def test_a_mild_pattern_matches_whole_words(pattern: str, intent: str, named: bool) -> None:
    assert rules((pattern, READ)).classify(intent).named is named


@pytest.mark.parametrize(
    ("pattern", "intent", "named"),
    [
        ("*.Share*", "x.ShareIt", True),
        ("*.Share*", "x.SendAndShareIt", True),
        ("*.MakePayment", "x.MakeTheLastPaymentNow", True),
        ("*.MakePayment", "x.PaymentMake", False),
        ("*.Share*", "x.shareit", True),
        ("*.Share*", "x.SHAREIT", True),
        ("*.Share*", "x.WeShared", False),
        ("photos.Share*", "media.Share", False),
    ],
)
def test_a_strict_pattern_matches_with_other_words_around_its_own(
    pattern: str, intent: str, named: bool
) -> None:
    assert rules((pattern, BUY)).classify(intent).named is named


def test_invented_names_do_not_grow_the_cache() -> None:
    found = rules(("lights.*", LIGHT))
    for number in range(5000):
        assert not found.classify(f"x.Y{number}").named
    assert len(found._known) <= 4096
    assert found.classify("lights.TurnOn") is found.classify("lights.TurnOn")


def test_strict_patterns_come_first_and_then_the_order_of_the_file() -> None:
    found = rules(("a.*", READ), ("a.*", LIGHT), ("*.Share*", OUT), ("*.Share*", BUY))
    assert found.classify("a.Show").risk is READ
    assert found.classify("a.Share").risk is BUY


def test_the_words_of_a_name_raise_the_class_of_a_pattern() -> None:
    found = rules(("*.Get*", READ), ("lights.*", LIGHT), ("*.Buy*", BUY))
    assert found.classify("x.GetAndUnlock") == Classified(DOOR, named=True)
    assert found.classify("lights.UnlockDoor") == Classified(DOOR, named=True)
    assert found.classify("lights.unlockdoor") == Classified(DOOR, named=True)
    assert found.classify("x.BuyAndSend") == Classified(BUY, named=True)


@pytest.mark.parametrize("catch_all", ["*", "*.*", "**", "**.*"])
def test_a_pattern_of_stars_names_nothing_and_sets_the_least_strict_class(catch_all: str) -> None:
    found = rules((catch_all, OUT))
    assert found.classify("x.Y") == Classified(OUT, named=False)
    assert found.classify("x.Unlock") == Classified(DOOR, named=False)
    assert rules((catch_all, READ)).classify("x.Y") == Classified(LIGHT, named=False)


def test_an_unclassified_intent_has_the_strictest_class_that_its_words_suggest() -> None:
    assert rules().classify("smartlock.Unlock") == Classified(DOOR, named=False)
    assert rules().classify("quiz.Start") == Classified(LIGHT, named=False)
    assert IntentRules(()).classify("quiz.Start") == Classified(DOOR, named=False)


@given(INTENTS)
def test_case_makes_no_difference(intent: str) -> None:
    """This applies to names whose words are separated by underscores."""
    domain, _, name = intent.partition(".")
    apart = f"{domain}.{'_'.join(words_in(name)) or name}".lower()
    found = PACKAGED.classify(apart)
    assert PACKAGED.classify(apart.title()) == PACKAGED.classify(apart.upper()) == found


@pytest.mark.parametrize(
    "intent",
    [
        "lights.unlockdoor",
        "media.rentmovie",
        "MEDIA.RENTMOVIE",
        "music.sendsong",
        "media.payperview",
    ],
)
def test_words_that_run_together_still_match(intent: str) -> None:
    assert PACKAGED.classify(intent).risk not in MILD


WORDS = [(word, risk) for risk, words in PACKAGED.lexicon.words.items() for word in words]
EXACT = {key_of(pattern) for pattern, _ in PACKAGED.patterns if "*" not in pattern}


@given(INTENTS, st.sampled_from(WORDS), st.integers(0, 4))
def test_an_extra_strict_word_never_makes_an_intent_milder(
    intent: str, word: tuple[str, RiskClass], place: int
) -> None:
    """A rule that spells out the new name is the exception."""
    domain, _, name = intent.partition(".")
    pieces = [piece.title() for piece in words_in(name)]
    pieces.insert(min(place, len(pieces)), word[0].title())
    longer = f"{domain}.{''.join(pieces)}"
    after = PACKAGED.classify(longer)
    assert key_of(longer) in EXACT or ORDER.index(after.risk) >= ORDER.index(word[1])
    if key_of(intent) not in EXACT | {key_of(longer)}:
        before = PACKAGED.classify(intent)
        assert ORDER.index(after.risk) >= ORDER.index(before.risk) or key_of(longer) in EXACT
