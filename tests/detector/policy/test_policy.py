import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import ConfirmMethod, Enforcement, RiskClass, Verdict
from detector.contracts.errors import PolicyError
from detector.policy.parsing import parse_policy
from detector.policy.policy import Policy
from tests.detector.builders import POLICY_TEXT, policy

PACKAGED = parse_policy(POLICY_TEXT)

COSTS = st.floats(0, 1000)
SHARES = st.floats(0, 1)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    methods = draw(st.lists(st.sampled_from(ConfirmMethod), unique=True))
    lines = [
        'version = "t"\nbase_rate = 0.001\nenforcement = "enforce"\nundo_window_seconds = 60',
        *(
            f"[methods.{way}]\nfriction = {draw(COSTS)}\nleak = {draw(SHARES)}"
            for way in ConfirmMethod
        ),
        *(
            f"[classes.{risk}]\n"
            f"harm = {draw(COSTS)}\ndenial = {draw(COSTS)}\nbudget = {draw(SHARES)}\n"
            f'fallback = "block"\nmethods = {[way.value for way in methods]}'
            for risk in RiskClass
        ),
        '[[intents]]\nclass = "physical"\npatterns = ["*.*"]',
    ]
    return parse_policy("\n".join(lines))


@given(policies(), st.sampled_from(RiskClass), SHARES)
def test_no_other_verdict_is_cheaper(drawn: Policy, risk: RiskClass, probability: float) -> None:
    found = drawn.rule(risk, probability)
    costs = drawn.classes[risk]
    every = {
        Verdict.ALLOW: probability * costs.harm,
        Verdict.BLOCK: (1 - probability) * costs.denial,
    }
    for way in costs.methods:
        cost = drawn.methods[way].friction + probability * costs.harm * drawn.methods[way].leak
        every[Verdict.CONFIRM] = min(cost, every.get(Verdict.CONFIRM, cost))
    assert found.cost == every[found.verdict] == min(every.values())


@given(policies(), st.sampled_from(RiskClass), SHARES)
def test_methods_are_safe_enough_and_ordered_by_cost(
    drawn: Policy, risk: RiskClass, probability: float
) -> None:
    costs = drawn.classes[risk]
    offered = drawn.methods_for(risk, probability)
    spent = [
        drawn.methods[way].friction + probability * costs.harm * drawn.methods[way].leak
        for way in offered
    ]
    enough = {way for way in costs.methods if drawn.suffices(risk, way, probability)}
    assert set(offered) == (enough or set(drawn.safest(risk)))
    assert spent == sorted(spent)


@given(policies(), st.sampled_from(RiskClass), SHARES, st.integers(1, 8))
def test_recent_questions_make_another_one_less_likely(
    drawn: Policy, risk: RiskClass, probability: float, asked: int
) -> None:
    rested, tired = drawn.rule(risk, probability), drawn.rule(risk, probability, asked=asked)
    assert tired.cost >= rested.cost
    if rested.verdict is not Verdict.CONFIRM:
        assert tired.verdict is rested.verdict


def test_a_likely_misfire_is_only_offered_the_safest_methods() -> None:
    offered = [
        PACKAGED.methods_for(RiskClass.PRIVATE_OUTBOUND, number / 100)
        for number in (10, 80, 90, 100)
    ]
    assert [len(methods) for methods in offered] == [3, 2, 1, 1]
    assert offered[-1] == (ConfirmMethod.PIN,)


def test_omitted_limits_have_defaults() -> None:
    found = policy(POLICY_TEXT.replace("most_open = 3\n", "").replace("[fatigue]", "[fatigue]\n"))
    assert found.confirmation == PACKAGED.confirmation
    assert policy(POLICY_TEXT.replace("most_open = 3", "most_open = 2")).confirmation.most_open == 2


@pytest.mark.parametrize("risk", RiskClass)
def test_a_certainly_meant_command_runs_and_a_certain_misfire_does_not(risk: RiskClass) -> None:
    assert PACKAGED.rule(risk, 0.0).verdict is Verdict.ALLOW
    assert PACKAGED.rule(risk, 1.0).verdict is Verdict.BLOCK


@pytest.mark.parametrize("risk", RiskClass)
def test_a_verdict_never_gets_milder_as_a_misfire_gets_likelier(risk: RiskClass) -> None:
    order = list(Verdict)
    verdicts = [order.index(PACKAGED.rule(risk, number / 1000).verdict) for number in range(1001)]
    assert verdicts == sorted(verdicts)


def test_a_class_without_methods_is_allowed_or_blocked() -> None:
    text = POLICY_TEXT.replace(
        'fallback = "confirm"\nmethods = ["phone_push", "pin"]', 'fallback = "block"\nmethods = []'
    )
    found = {
        parse_policy(text).rule(RiskClass.PHYSICAL, number / 100).verdict for number in range(101)
    }
    assert found == {Verdict.ALLOW, Verdict.BLOCK}


@pytest.mark.parametrize(
    "risk", [RiskClass.PRIVATE_OUTBOUND, RiskClass.PURCHASE, RiskClass.PHYSICAL]
)
@pytest.mark.parametrize("probability", [0.0, 0.001, 0.5, 1.0])
def test_a_spoken_yes_is_never_offered_where_it_would_not_help(
    risk: RiskClass, probability: float
) -> None:
    assert ConfirmMethod.SPOKEN not in PACKAGED.methods_for(risk, probability)
    assert PACKAGED.methods_for(risk, probability)


@pytest.mark.parametrize(
    "risk", [RiskClass.PRIVATE_OUTBOUND, RiskClass.PURCHASE, RiskClass.PHYSICAL]
)
def test_irreversible_classes_never_fall_back_to_allow(risk: RiskClass) -> None:
    assert PACKAGED.classes[risk].fallback is not Verdict.ALLOW


@pytest.mark.parametrize(
    ("intent", "risk"),
    [
        ("messages.SendMessage", RiskClass.PRIVATE_OUTBOUND),
        ("calls.PlaceCall", RiskClass.PRIVATE_OUTBOUND),
        ("media.SharePlaylist", RiskClass.PRIVATE_OUTBOUND),
        ("shopping.BuyItem", RiskClass.PURCHASE),
        ("restaurants_1.ReserveRestaurant", RiskClass.PURCHASE),
        ("banks_1.TransferMoney", RiskClass.PURCHASE),
        ("security.UnlockDoor", RiskClass.PHYSICAL),
        ("weather.GetForecast", RiskClass.READ_ONLY),
        ("conversation.Thanks", RiskClass.READ_ONLY),
        ("lights.TurnOn", RiskClass.REVERSIBLE),
        ("Security.UnlockDoor", RiskClass.PHYSICAL),
        ("smartlock.Unlock", RiskClass.PHYSICAL),
        ("valve.OpenGas", RiskClass.PHYSICAL),
        ("bank.WireMoney", RiskClass.PURCHASE),
        ("nobody.ThoughtOfThis", RiskClass.PRIVATE_OUTBOUND),
    ],
)
def test_the_packaged_policy_knows_the_class_of_an_intent(intent: str, risk: RiskClass) -> None:
    assert PACKAGED.risk_class(intent) is risk


def test_a_policy_stores_its_source_text() -> None:
    assert PACKAGED.text == POLICY_TEXT
    assert parse_policy(PACKAGED.text) == PACKAGED
    assert policy(enforcement='"shadow"').enforcement is Enforcement.SHADOW


def test_every_problem_is_reported_at_once() -> None:
    text = POLICY_TEXT
    for before, after in (
        ('version = "3"', ""),
        ("base_rate = 0.001", "base_rate = 2"),
        ('enforcement = "enforce"', 'enforcement = "maybe"'),
        ("undo_window_seconds = 120.0", 'undo_window_seconds = "long"\nsurprise = 1'),
        ("leak = 0.6", "leak = 1.5"),
        ("harm = 400.0", "harm = -1"),
        ('methods = ["spoken", "phone_push"]', 'methods = ["telepathy"]'),
        ('class = "purchase"\npatterns = [', 'class = "purchase"\npatterns = ["[Bb]uy",'),
        ('class = "private_outbound"\n# Words', 'class = "none"\n# Words'),
        ("harmless = [", 'harmless = ["A",'),
        ('class = "physical"\nwords = [', 'class = "physical"\nwords = ["be",'),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    message = str(caught.value)
    for part in (
        "version is missing",
        "base_rate must be a number from 1e-09 to 0.5, found 2",
        "enforcement must be one of enforce, shadow, found 'maybe'",
        "undo_window_seconds must be a number from 0 to 86400, found 'long'",
        "surprise is not a setting",
        "methods.spoken.leak must be a number from 0 to 1, found 1.5",
        "classes.private_outbound.harm must be a number",
        "classes.reversible.methods must be one of",
        "intents[1].patterns has '[Bb]uy': write an intent as 'domain.Name'",
        "unclassified.class must be one of",
        "unclassified.harmless has 'A': write words of 3 or more lowercase letters",
        "unclassified.words[0].words has 'be'",
    ):
        assert part in message
    assert len(re.findall(r"^  - ", message, re.MULTILINE)) == 12


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[methods.pin]", "[methods.pun]", r"\[methods\.pin\] is missing"),
        ("[methods.pin]", "[methods.pun]", "methods.pun is not a setting"),
        ("[classes.physical]", "[classes.fysical]", r"\[classes\.physical\] is missing"),
        ("[classes.physical]", "[classes.fysical]", "classes.fysical is not a setting"),
        ("harm = 600.0", "harms = 600.0", "classes.physical.harms is not a setting"),
        ("harm = 600.0", "harm = nan", "classes.physical.harm must be a number"),
        ("harm = 600.0", "harm = true", "classes.physical.harm must be a number"),
        ("base_rate = 0.001", "base_rate = 0", "base_rate must be a number"),
        ("most_open = 3", "most_open = 0", "confirmation.most_open must be a number from 1 to 6"),
        ("most_open = 3", "most_closed = 3", "confirmation.most_closed is not a setting"),
        ("growth = 0.5", "growth = true", "fatigue.growth must be a number"),
        ("share = 0.1", "share = 2", "block_budget.share must be a number"),
        ('methods = ["spoken"]', 'methods = "spoken"', "classes.read_only.methods must be a list"),
        ('methods = ["spoken"]', "methods = [1]", "classes.read_only.methods must be a list"),
        (
            'class = "read_only"\npatterns = [',
            "patterns = 3\nx = [",
            r"intents\[3\].patterns must be a list",
        ),
        ('"weather.*"', '"?.weather"', r"intents\[3\].patterns has '\?.weather'"),
        ('class = "read_only"\npatterns', "pattern", r"intents\[3\].pattern is not a setting"),
        (
            'class = "purchase"\npatterns',
            'class = "gift"\npatterns',
            r"intents\[1\].class must be one of",
        ),
        (
            'class = "purchase"\nwords',
            'class = "gift"\nwords',
            r"unclassified.words\[1\].class must be one of",
        ),
        ('class = "purchase"\nwords', "word", r"unclassified.words\[1\].word is not a setting"),
        ("[unclassified]", "[unclassified]\nwarn = 1", "unclassified.warn is not a setting"),
        (
            'methods = ["phone_push", "challenge", "pin"]',
            "methods = []",
            "confirm, but the class has no methods",
        ),
    ],
)
def test_a_misspelt_name_is_rejected(before: str, after: str, message: str) -> None:
    assert before in POLICY_TEXT
    with pytest.raises(PolicyError, match=message):
        parse_policy(POLICY_TEXT.replace(before, after))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("unclassified = 3", r"unclassified must be a table: write \[unclassified\]"),
        ("unclassified = {words = 3}", "unclassified.words must be a list of tables"),
        (
            "unclassified = {words = [{class = 'physical', words = 'open'}]}",
            r"words\[0\].words must be a list",
        ),
    ],
)
def test_the_unclassified_section_is_validated(section: str, message: str) -> None:
    before, _, _ = POLICY_TEXT.partition("[unclassified]")
    with pytest.raises(PolicyError, match=message):
        parse_policy(f"{section}\n{before}")


HEX = "0x1" + "f" * 6000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("base_rate = 0.001", f"base_rate = {HEX}"),
        ('enforcement = "enforce"', f"enforcement = {HEX}"),
        ("most_open = 3", f"most_open = {HEX}"),
        ('methods = ["spoken"]', f"methods = [{HEX}]"),
        ('enforcement = "enforce"', f'enforcement = "{"e" * 5000}"'),
    ],
)
def test_an_overlong_value_is_rejected_with_a_short_message(before: str, after: str) -> None:
    # A hexadecimal number may have any number of digits, but converting it to decimal is limited.
    with pytest.raises(PolicyError) as caught:
        parse_policy(POLICY_TEXT.replace(before, after, 1))
    assert len(str(caught.value)) < 400


def test_a_version_may_be_a_number() -> None:
    assert parse_policy(POLICY_TEXT.replace('version = "3"', "version = 4")).version == "4"
    assert (
        "too long" in parse_policy(POLICY_TEXT.replace('version = "3"', f"version = {HEX}")).version
    )


@pytest.mark.parametrize(
    "text", ["not toml", "", "[", 'intents = "all"', "methods = 1\nclasses = 2\nintents = [3]"]
)
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    with pytest.raises(PolicyError, match="the policy"):
        parse_policy(text)


WITHOUT_HARMS = re.sub(r"\[\[harms\]\]\n.*?\n\]\n", "", POLICY_TEXT, flags=re.DOTALL)
WITHOUT_FIRST_TIME = re.sub(r"\[first_time\]\n.*?\n\]\n", "", POLICY_TEXT, flags=re.DOTALL)
FIRST_TIME = '\n[first_time]\nexempt = ["garage.Close", "switch.*"]\n'


def test_exempt_commands_are_not_confirmed_at_first_use() -> None:
    text = WITHOUT_FIRST_TIME
    rules = parse_policy(text + FIRST_TIME)
    assert not rules.asks_first("garage.Close")
    assert not rules.asks_first("switch.HassTurnOn")
    assert rules.asks_first("garage.Open")
    assert rules.asks_first("switch.UnlockDoor"), "a word suggests a stricter class"
    assert parse_policy(text).asks_first("garage.Close"), "an earlier policy exempts nothing"


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ('exempt = "garage.Close"', "first_time.exempt must be a list of names"),
        ('exempt = ["garage close"]', "first_time.exempt has 'garage close'"),
        ("except = []", "first_time.except is not a setting"),
    ],
)
def test_a_mistake_in_the_section_of_first_uses_is_reported(section: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(problem)):
        parse_policy(f"{WITHOUT_FIRST_TIME}\n[first_time]\n{section}\n")


def test_an_intent_can_do_another_harm_than_its_class() -> None:
    text = '[[harms]]\nharm = 80\npatterns = ["switch.*", "garage.Close"]\n'
    rules = parse_policy(f"{WITHOUT_HARMS}\n{text}")
    physical = RiskClass.PHYSICAL
    assert rules.harm_of("switch.HassTurnOn", physical) == 80.0
    assert rules.harm_of("garage.Close", physical) == 80.0
    assert rules.harm_of("garage.Open", physical) == rules.classes[physical].harm
    assert rules.harm_of("switch.UnlockDoor", physical) == 600.0, "a word suggests more harm"
    assert parse_policy(WITHOUT_HARMS).harm_of("switch.HassTurnOn", physical) == 600.0
    likely = 1 / 300
    assert rules.rule(physical, likely).verdict is Verdict.CONFIRM
    assert rules.rule(physical, likely, harm=80.0).verdict is Verdict.ALLOW
    assert rules.cost(physical, Verdict.ALLOW, misfire=True, harm=80.0) == 80.0


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ('harm = 1\npatterns = ["garage close"]', "harms[0].patterns has 'garage close'"),
        ('harm = "much"\npatterns = []', "harms[0].harm"),
        ("harm = 1", "harms[0].patterns"),
        ("cost = 1\nharm = 1\npatterns = []", "harms[0].cost is not a setting"),
    ],
)
def test_a_mistake_in_the_section_of_harms_is_reported(section: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(problem)):
        parse_policy(f"{WITHOUT_HARMS}\n[[harms]]\n{section}\n")


def test_unlocking_and_opening_are_confirmed_at_first_use() -> None:
    for intent in ("lock.HassTurnOff", "cover.HassTurnOn", "garage.Open", "security.UnlockDoor"):
        assert PACKAGED.asks_first(intent), intent
    for intent in ("lock.HassTurnOn", "cover.HassTurnOff", "switch.HassTurnOn", "scene.HassTurnOn"):
        assert not PACKAGED.asks_first(intent), intent
