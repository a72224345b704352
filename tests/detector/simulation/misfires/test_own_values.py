import numpy as np

from detector.contracts.events import Act
from detector.simulation.misfires.chain_library import Turn
from detector.simulation.misfires.own_values import OwnValues

FOREIGN = "k1_foreign"


def turn(intent: str, **slots: str) -> Turn:
    return Turn(intent, Act.INITIATE, slots, commits=True)


def drawn(values: OwnValues, said: Turn, name: str) -> list[str]:
    rng = np.random.default_rng(0)
    return [values.localised(said, rng).slots[name] for _ in range(400)]


def test_a_room_is_one_that_the_home_has() -> None:
    values = OwnValues()
    for _ in range(99):
        values.add("light.HassTurnOn", {"area": "k1_kitchen"})
    found = drawn(values, turn("light.HassTurnOn", area=FOREIGN), "area")
    assert found.count("k1_kitchen") / len(found) > 0.95


def test_a_value_that_never_repeats_stays_new() -> None:
    values = OwnValues()
    for number in range(99):
        values.add("assist.HassBroadcast", {"message": f"k1_{number}"})
    found = drawn(values, turn("assist.HassBroadcast", message=FOREIGN), "message")
    assert found.count(FOREIGN) / len(found) > 0.95


def test_the_values_of_the_intent_come_before_those_of_its_domain_and_of_others() -> None:
    values = OwnValues()
    for _ in range(200):
        values.add("light.HassTurnOn", {"area": "k1_kitchen"})
        values.add("light.HassTurnOff", {"area": "k1_hall"})
        values.add("media_player.HassMediaPause", {"area": "k1_lounge"})
    assert set(drawn(values, turn("light.HassTurnOff", area=FOREIGN), "area")) >= {"k1_hall"}
    assert "k1_kitchen" not in drawn(values, turn("light.HassTurnOff", area=FOREIGN), "area")
    assert "k1_lounge" not in drawn(values, turn("light.HassLightSet", area=FOREIGN), "area")
    assert set(drawn(values, turn("fan.HassTurnOn", area=FOREIGN), "area")) == {FOREIGN}


def test_a_room_of_several_domains_may_be_named_with_a_command_that_is_new() -> None:
    values = OwnValues()
    for _ in range(200):
        values.add("light.HassTurnOn", {"area": "k1_kitchen", "name": "k1_lamp"})
        values.add("media_player.HassMediaPause", {"area": "k1_kitchen"})
    assert "k1_kitchen" in drawn(values, turn("fan.HassTurnOn", area=FOREIGN), "area")
    assert set(drawn(values, turn("fan.HassTurnOn", name=FOREIGN), "name")) == {FOREIGN}


def test_a_slot_that_the_home_never_used_keeps_its_value() -> None:
    said = turn("light.HassTurnOn", area=FOREIGN)
    assert OwnValues().localised(said, np.random.default_rng(0)) == said
