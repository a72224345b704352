from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.events import Act
from detector.population.vocabulary import Vocabulary
from tests.detector.builders import event

INTENTS = st.sampled_from(["a.A", "a.B", "b.A"])
PAIRS = st.lists(st.tuples(INTENTS, st.sampled_from(Act)), max_size=20)


@given(PAIRS, INTENTS, st.sampled_from(Act))
def test_every_event_has_a_symbol_in_range(
    pairs: list[tuple[str, Act]], intent: str, act: Act
) -> None:
    vocabulary = Vocabulary.of(event(intent=one, act=other) for one, other in pairs)
    number = vocabulary.index(intent, act)
    assert vocabulary.size == len(set(pairs)) + 1
    if (intent, act) in pairs:
        assert vocabulary.symbols[number] == (intent, act.value)
    else:
        assert number == vocabulary.unseen == vocabulary.size - 1


@given(PAIRS)
def test_the_order_of_events_does_not_matter(pairs: list[tuple[str, Act]]) -> None:
    shuffled = sorted(pairs)
    forward = Vocabulary.of(event(intent=intent, act=act) for intent, act in pairs)
    assert forward == Vocabulary.of(event(intent=intent, act=act) for intent, act in shuffled)


def test_the_most_frequent_comes_first_and_names_break_ties() -> None:
    events = [event(intent=intent) for intent in ("b.A", "a.A", "b.A", "a.B")]
    assert Vocabulary.of(events).symbols == (
        ("b.A", "initiate"),
        ("a.A", "initiate"),
        ("a.B", "initiate"),
    )


def test_an_intent_is_known_with_any_act() -> None:
    vocabulary = Vocabulary.of([event(intent="a.A", act=Act.AFFIRM)])
    assert vocabulary.knows_intent("a.A")
    assert not vocabulary.knows_intent("a.B")
    assert vocabulary.index("a.A", Act.INITIATE) == vocabulary.unseen


def test_an_act_and_its_name_are_the_same() -> None:
    vocabulary = Vocabulary.of([event(intent="a.A", act=Act.AFFIRM)])
    assert vocabulary.index("a.A", Act.AFFIRM) == vocabulary.index("a.A", "affirm") == 0


def test_an_empty_vocabulary_has_the_unseen_symbol() -> None:
    assert (Vocabulary(()).size, Vocabulary(()).index("a.A", "initiate")) == (1, 0)
