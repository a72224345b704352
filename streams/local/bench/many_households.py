"""Packed states of many households, as a worker writes them.

A few households live through simulated weeks. Each state then stands for many households: only its
household id is replaced. Every state is compressed by itself, so sizes do not depend on the copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
from pydantic import TypeAdapter

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.progress import Progress, silent
from detector.simulation.households import simulate
from detector.simulation.households.one_shot import simulate_homes
from streams.local.bench.state_size import INTENTS_MARK, OUTCOMES_MARK, final_state
from streams.wire.state.packing import Packer, Stored

__all__ = ["household_id", "lives", "packed_households", "packed_states"]

#: Days that a household has used its assistant, drawn with equal shares.
_AGES = (7, 14, 28, 56, 112)
#: zstandard's level of the worker's table (``packing.pack``).
_LEVEL = 6
_JSON = TypeAdapter(Stored)


def household_id(number: int) -> str:
    """Return the id of a household: a token of the usual length."""
    return f"k1_{blake2b(b'%d' % number, digest_size=16).hexdigest()}"


def lives(count: int, *, seed: int = 0) -> Iterator[Sequence[IntentEvent]]:
    """Yield the events of ``count`` households, in turn with dialogues and one-shot commands."""
    rng = np.random.default_rng([seed, 7])
    for number in range(count):
        days = int(rng.choice(_AGES))
        play = simulate_homes if number % 2 else simulate
        yield play(1, days, seed=seed, first=number).events


def packed_states(
    count: int, bundle: Bundle, *, seed: int = 0, progress: Progress = silent
) -> list[bytes]:
    """Return the JSON of ``count`` households' states after their simulated weeks."""
    found = []
    for number, events in enumerate(lives(count, seed=seed)):
        progress("running households", number, count)
        stored = Stored(
            state=final_state(iter(events), bundle),
            intents=(INTENTS_MARK,),
            outcomes=(OUTCOMES_MARK,),
            bundle=bundle.version,
        )
        found.append(_JSON.dump_json(stored, exclude_defaults=True))
    progress("running households", count, count)
    return found


def packed_households(states: Sequence[bytes], households: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and packed state of ``households`` households, from the JSON of a few."""
    packer = Packer(_LEVEL)
    ids = [_JSON.validate_json(plain).state.household_id.encode() for plain in states]
    for number in range(households):
        key = household_id(number).encode()
        plain, old = states[number % len(states)], ids[number % len(states)]
        yield key, packer.compress(plain.replace(b'"%s"' % old, b'"%s"' % key))
