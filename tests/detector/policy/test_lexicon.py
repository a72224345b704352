import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import RiskClass
from detector.contracts.events import INTENT_FORM
from detector.policy.lexicon import Lexicon
from tests.detector.builders import policy

LEXICON = policy().intents.lexicon
#: Every word of the packaged policy with its class.
WORDS = [(word, risk) for risk, words in LEXICON.words.items() for word in words]
ORDER = list(RiskClass)


@pytest.mark.parametrize(
    ("intent", "risk"),
    [
        ("smartlock.Unlock", RiskClass.PHYSICAL),
        ("foo.unlockdoor", RiskClass.PHYSICAL),
        ("foo.OPEN_GARAGE", RiskClass.PHYSICAL),
        ("foo.opengarage", RiskClass.PHYSICAL),
        ("foo.TurnOvensOff", RiskClass.PHYSICAL),
        ("foo.turnovenon", None),
        ("smartlocks.Toggle", RiskClass.PHYSICAL),
        ("foo.Unl0ck", RiskClass.PHYSICAL),
        ("foo.UNLOCKdoor", RiskClass.PHYSICAL),
        ("foo.Un_Lock", RiskClass.PHYSICAL),
        ("foo.un_lo_ck", RiskClass.PHYSICAL),
        ("foo.oPeN", RiskClass.PHYSICAL),
        ("foo.OpEnDoOr", RiskClass.PHYSICAL),
        ("foo.dOOR", RiskClass.PHYSICAL),
        ("foo.valvE", RiskClass.PHYSICAL),
        ("foo.GaS", RiskClass.PHYSICAL),
        ("foo.MyGaS", RiskClass.PHYSICAL),
        ("foo.o_p_e_n", RiskClass.PHYSICAL),
        ("foo.0PeN", RiskClass.PHYSICAL),
        ("foo.bUy", RiskClass.PURCHASE),
        ("foo.CaLlMom", RiskClass.PRIVATE_OUTBOUND),
        ("gas.On", RiskClass.PHYSICAL),
        ("bank.WireMoney", RiskClass.PURCHASE),
        ("bank.CheckOut", RiskClass.PURCHASE),
        ("foo.Purchasing", RiskClass.PURCHASE),
        ("foo.PAYbill", RiskClass.PURCHASE),
        ("foo.SendOrder", RiskClass.PURCHASE),
        ("foo.calling", RiskClass.PRIVATE_OUTBOUND),
        ("foo.DeleteAll", RiskClass.PRIVATE_OUTBOUND),
        ("lights.TurnOn", None),
        ("media.Reopen", None),
        ("media.Callback", None),
        ("media.Callbacks", None),
        ("media.SetPassage", None),
        ("travel.Vegas", None),
        ("media.Clock", None),
        ("media.Block", None),
        ("media.Outdoors", None),
        ("media.Navigate", None),
    ],
)
def test_words_suggest_a_class(intent: str, risk: RiskClass | None) -> None:
    assert LEXICON.suggests(intent) is risk


@given(st.sampled_from(WORDS), st.data())
def test_a_word_is_found_whatever_the_case_of_its_letters(
    word: tuple[str, RiskClass], data: st.DataObject
) -> None:
    shouted = data.draw(st.lists(st.booleans(), min_size=len(word[0]), max_size=len(word[0])))
    said = "".join(
        letter.upper() if up else letter for letter, up in zip(word[0], shouted, strict=True)
    )
    found = LEXICON.suggests(f"foo.{said}")
    assert found is not None
    assert ORDER.index(found) >= ORDER.index(word[1])


def test_the_strictest_of_several_words_decides() -> None:
    assert LEXICON.suggests("foo.SendMoneyToGarage") is RiskClass.PHYSICAL


def test_a_lexicon_without_words_suggests_nothing() -> None:
    assert Lexicon().suggests("security.Unlock") is None


@given(st.from_regex(INTENT_FORM, fullmatch=True), st.sampled_from(WORDS), st.booleans())
def test_an_extra_word_never_suggests_a_milder_class(
    intent: str, word: tuple[str, RiskClass], first: bool
) -> None:
    domain, _, name = intent.partition(".")
    added = f"{word[0].title()}_{name}" if first else f"{name}_{word[0]}"
    after = LEXICON.suggests(f"{domain}.{added}")
    assert after is not None
    before = LEXICON.suggests(intent) or RiskClass.READ_ONLY
    assert ORDER.index(after) >= max(ORDER.index(word[1]), ORDER.index(before))


@pytest.mark.parametrize("harmless", LEXICON.harmless)
def test_a_harmless_word_suggests_no_class(harmless: str) -> None:
    assert LEXICON.suggests(f"foo.{harmless.title()}") is None
