import numpy as np
import pytest

from detector.contracts.events import Act
from detector.simulation.households import CATALOGUE, Shape, Skill, dialogue, skill_of
from detector.simulation.misfires import Turn

TALK = "conversation.Thanks"


def said(skill: Skill, seed: int = 0, **options: float) -> list[Turn]:
    slots = {name: f"k1_{name}" for name in skill.slots}
    return dialogue(skill, slots, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("skill", CATALOGUE, ids=lambda skill: skill.intent)
def test_a_dialogue_is_well_formed(skill: Skill) -> None:
    for seed in range(20):
        turns = said(skill, seed)
        assert turns[0].act is Act.INITIATE
        assert [turn.intent for turn in turns if turn.commits] == (
            [] if skill.shape is Shape.QUESTION else [skill.intent]
        )
        about = [turn for turn in turns if turn.intent != TALK]
        assert {turn.intent for turn in about} == {skill.intent} | (
            {skill.search} if skill.search else set()
        )
        assert skill.shape is Shape.QUESTION or about[-1].commits
        assert all(turn.act is Act.THANK for turn in turns[len(about) :])


@pytest.mark.parametrize("skill", CATALOGUE, ids=lambda skill: skill.intent)
def test_a_dialogue_mentions_every_slot(skill: Skill) -> None:
    for seed in range(20):
        heard = {item for turn in said(skill, seed) for item in turn.slots.items()}
        assert {(name, f"k1_{name}") for name in skill.slots} <= heard


def test_slots_of_the_search_are_mentioned_in_it() -> None:
    turns = said(skill_of("shopping.BuyItem"))
    looked = {
        name: token
        for turn in turns
        if turn.intent == "shopping.FindItems"
        for name, token in turn.slots.items()
    }
    assert looked["item"] == "k1_item"


def test_politeness_controls_the_thanks() -> None:
    skill = skill_of("lights.TurnOn")
    assert [turn.intent for turn in said(skill, polite=1.0)] == ["lights.TurnOn", TALK]
    assert [turn.intent for turn in said(skill, polite=0.0)] == ["lights.TurnOn"]


def test_some_dialogues_correct_a_detail_before_the_yes() -> None:
    corrected = [
        turns
        for seed in range(300)
        for turns in [said(skill_of("messages.SendMessage"), seed)]
        if any(turn.act is Act.DENY for turn in turns)
    ]
    assert 5 < len(corrected) < 60
    for turns in corrected:
        place = [turn.act for turn in turns].index(Act.DENY)
        assert turns[place].slots.keys() <= turns[place - 1].slots.keys()
        assert turns[place + 1].commits
