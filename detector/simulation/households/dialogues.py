"""Well-formed dialogues: the turns in which a simulated user asks for a skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detector.contracts.events import Act
from detector.simulation.households.skills import CATALOGUE, Shape, Skill
from detector.simulation.misfires.chain_library import Turn

__all__ = ["dialogue", "skill_of"]


def skill_of(intent: str) -> Skill:
    """Return the skill of an intent."""
    return next(skill for skill in CATALOGUE if skill.intent == intent)


def dialogue(
    skill: Skill, slots: Mapping[str, str], rng: np.random.Generator, *, polite: float = 0.3
) -> list[Turn]:
    """Return the turns of a user who wants ``skill`` and mentions ``slots``.

    Args:
        skill: the skill.
        slots: slot names and tokens; those of the skill's search are mentioned in the search.
        rng: source of randomness, for example of corrections and questions.
        polite: probability of a thank-you at the end.
    """
    turns = _Turns(skill.intent, dict(slots), rng, [])
    if skill.shape is Shape.ONE_SHOT:
        turns.say(Act.INITIATE, commits=True, share=1.0)
    elif skill.shape is Shape.QUESTION:
        turns.say(Act.INITIATE, share=0.7)
        turns.rest(Act.INFORM)
    elif skill.shape is Shape.CONFIRMED:
        turns.say(Act.INITIATE, share=0.3)
        turns.rest(Act.INFORM)
        turns.correct()
        turns.say(Act.AFFIRM, commits=True)
    else:
        turns.search(skill_of(str(skill.search)))
        turns.say(Act.ACCEPT, share=0.3)
        turns.rest(Act.INFORM)
        turns.correct()
        turns.say(Act.AFFIRM, commits=True)
    if rng.random() < polite:
        turns.done.append(Turn("conversation.Thanks", Act.THANK, {}, commits=False))
    return turns.done


@dataclass(slots=True)
class _Turns:
    intent: str
    left: dict[str, str]
    rng: np.random.Generator
    done: list[Turn]

    def say(self, act: Act, *, commits: bool = False, share: float = 0.0) -> None:
        """Add a turn that mentions each remaining slot with probability ``share``."""
        said = {
            name: token for name, token in self.left.items() if share and self.rng.random() < share
        }
        self.left = {name: token for name, token in self.left.items() if name not in said}
        self.done.append(Turn(self.intent, act, said, commits))

    def rest(self, act: Act) -> None:
        """Mention the remaining slots in one or two turns; without any, add no turn."""
        if not self.left:
            return
        if len(self.left) > 1 and self.rng.random() < 0.4:
            self.say(act, share=0.5)
        if self.left:
            self.say(act, share=1.0)

    def correct(self) -> None:
        """Occasionally add a correction of one slot."""
        if self.done[-1].slots and self.rng.random() < 0.06:
            name = next(iter(self.done[-1].slots))
            other = f"k1_{self.rng.integers(2**62):016x}"
            self.done.append(Turn(self.intent, Act.DENY, {name: other}, commits=False))

    def search(self, skill: Skill) -> None:
        """Search with shared and new slots, sometimes ask for alternatives, and choose."""
        tokens = {
            name: f"k1_{self.rng.integers(2**62):016x}"
            for name, often in skill.slots.items()
            if self.rng.random() < often
        }
        shared = {name: token for name, token in self.left.items() if name in skill.slots}
        looking = _Turns(skill.intent, tokens | shared, self.rng, self.done)
        looking.say(Act.INITIATE, share=0.6)
        looking.rest(Act.INFORM)
        if self.rng.random() < 0.3:
            looking.say(Act.ALTERNATIVES)
        if self.rng.random() < 0.3:
            looking.say(Act.ASK)
        if self.rng.random() < 0.8:
            looking.say(Act.SELECT)
