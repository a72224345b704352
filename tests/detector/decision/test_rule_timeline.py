"""A rule concerns the events from two seconds after its record on, whenever they are decided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.decision.rule_timeline import TAKES_EFFECT, RuleTimeline
from tests.detector.rules import rule

ONE, TWO = rule(), rule(rule_id="r2", intent="lights.*")


def test_a_rule_applies_from_its_time_until_its_removal() -> None:
    timeline = RuleTimeline()
    timeline.change("r1", ONE, 100.0)
    timeline.change("r2", TWO, 200.0)
    timeline.change("r1", None, 300.0)

    begin = TAKES_EFFECT
    assert timeline.at(100.0 + begin - 0.001).rules == {}
    assert timeline.at(100.0 + begin).rules == {"r1": ONE}
    assert timeline.at(250.0).rules == {"r1": ONE, "r2": TWO}
    assert timeline.at(300.0 + begin).rules == {"r2": TWO}
    assert timeline.of("h1", "", at=400.0).rules == (TWO,)


def test_rules_from_the_beginning_apply_at_every_time() -> None:
    assert RuleTimeline({"r1": ONE}).at(0.0).rules == {"r1": ONE}


def test_a_change_with_an_earlier_time_takes_effect_with_the_one_before() -> None:
    timeline = RuleTimeline()
    timeline.change("r1", ONE, 100.0)
    timeline.change("r2", TWO, 50.0)

    assert timeline.at(90.0).rules == {}
    assert timeline.at(110.0).rules == {"r1": ONE, "r2": TWO}


def test_the_same_rules_are_one_book() -> None:
    timeline = RuleTimeline({"r1": ONE})
    timeline.change("r2", TWO, 100.0)

    assert timeline.at(1.0) is timeline.at(2.0)
    assert timeline.at(200.0) is timeline.at(300.0)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_what_was_asked_before_changes_nothing(asked: list[int]) -> None:
    """Events come in any order, and changes in between."""
    changes = [(f"r{number % 5}", rule(rule_id=f"r{number % 5}")) for number in range(20)]
    timeline, begun = RuleTimeline(), 0
    for at in asked:
        while begun < 20 and begun <= at:
            name, made = changes[begun]
            timeline.change(name, None if begun % 3 == 2 else made, float(begun))
            begun += 1
        wanted: dict[str, object] = {}
        for number, (name, made) in enumerate(changes[:begun]):
            if number + TAKES_EFFECT <= at:
                wanted.pop(name, None)
                wanted |= {} if number % 3 == 2 else {name: made}
        assert timeline.at(at).rules == wanted
        assert len(timeline._books) <= 8
