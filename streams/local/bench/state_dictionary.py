"""Training of the dictionary that household states are compressed against.

A new dictionary makes older states unreadable, so it needs a new form in
``streams/wire/state/packing.py``. This command wrote the present one, with a bundle trained on
``misfire simulate --households 40 --days 21 --seed 5``:

    python -m streams.local.bench.state_dictionary BUNDLE streams/wire/state/dictionary.zdict
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import TypeAdapter

from detector.decision.bundle import Bundle
from streams.files.bundles import read_bundle
from streams.local.bench.state_size import INTENTS_MARK, OUTCOMES_MARK, final_state, simulated
from streams.wire.state.packing import Stored

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["train"]

#: Twice the size saves 2 % and takes longer.
_BYTES = 4096
#: zstandard looks for what samples have in common, so a state is cut into several.
_SAMPLE_BYTES = 1024
#: Ages of the households, in events; most states that are written are not those of old households.
_AGES = (10, 50, 200, 1000)


def train(bundle: Bundle, *, households: int = 16, seed: int = 77) -> bytes:
    """Return a dictionary for the JSON of states like those of simulated households."""
    adapter, samples = TypeAdapter(Stored), []
    for age in _AGES:
        for events in simulated(households, age, seed=seed):
            stored = Stored(
                state=final_state(events, bundle),
                intents=(INTENTS_MARK,),
                outcomes=(OUTCOMES_MARK,),
            )
            plain = adapter.dump_json(stored, exclude_defaults=True)
            samples += [
                plain[begin : begin + _SAMPLE_BYTES]
                for begin in range(0, len(plain), _SAMPLE_BYTES)
            ]
    return zstd.train_dict(samples, _BYTES).dict_content


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(train(read_bundle(Path(sys.argv[1]))))
