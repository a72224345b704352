from detector.household.state import MAX_KNOWN_SLOTS, known_slots


def test_the_slot_named_first_is_forgotten_beyond_the_bound() -> None:
    full = {f"s{number}": "t1" for number in range(MAX_KNOWN_SLOTS)}
    after = known_slots(full, {"s1": "t2", "new": "t3"})
    assert list(after) == [*list(full)[1:], "new"]
    assert (after["s1"], after["new"]) == ("t2", "t3")


def test_a_turn_without_slots_changes_nothing() -> None:
    before = {"s": "t"}
    assert known_slots(before, {}) is before
