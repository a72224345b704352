"""Reading ``names.json`` of a bundle: names and base rates, each number within stated limits.

The code divides by rates and takes their logarithms. A rate is therefore never zero, and never one
if its complement is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detector.contracts.events import INTENT_FORM, Act
from detector.decision.bundle_arrays import damaged
from detector.decision.bundle_checks import DEEPEST
from detector.decision.json_readers import (
    Read,
    items,
    made,
    number,
    row,
    same_keys,
    table,
    whole,
    word,
)
from detector.population.base_rates import PARTS_OF_DAY, PARTS_OF_WEEK, Population
from detector.population.dialogue_flow import Flow
from detector.population.slot_pairs import Coherence
from detector.population.vocabulary import Vocabulary

__all__ = ["Names", "parse_names"]

#: The distance of a rate from zero and from one. Counts of a trillion sessions give more than this.
_LEAST_RATE = 1e-12
#: The largest weight of a pair of slots, in bits, and the largest count of a transition.
_MOST_BITS, _MOST_COUNT = 100.0, 10**12
#: The largest offset of the judge, in bits; fitted ones are about ten.
_HEAVIEST_OFFSET = 1e6
_ACTS = frozenset(act.value for act in Act)


@dataclass(frozen=True, slots=True)
class Names:
    """The content of ``names.json``: symbols, base rates, and scalars of the judge."""

    vocabulary: Vocabulary
    population: Population
    terms: tuple[str, ...]
    offset_bits: float
    depth: int


def parse_names(names: Mapping[str, Any]) -> Names:
    """Read names and rates.

    Raises:
        BundleError: a value is missing, unknown, of another type or out of range; the message names
            it.
    """
    known = {"format", "symbols", "population", "terms", "offset_bits", "depth"}
    same_keys(names, known, "names.json")
    symbols = tuple(items(_symbol)(names["symbols"], "symbols"))
    if len(set(symbols)) != len(symbols):
        raise damaged("symbols contains a symbol twice")
    population = names["population"]
    same_keys(population, _POPULATION.keys(), "population")
    return Names(
        Vocabulary(symbols),
        Population(**{name: read(population[name], name) for name, read in _POPULATION.items()}),
        _terms(names["terms"]),
        number(-_HEAVIEST_OFFSET, _HEAVIEST_OFFSET)(names["offset_bits"], "offset_bits"),
        whole(DEEPEST)(names["depth"], "depth"),
    )


def _terms(value: Any) -> tuple[str, ...]:
    terms = tuple(items(word)(value, "terms"))
    if not terms or len(set(terms)) != len(terms):
        raise damaged("terms is empty or contains a term twice")
    return terms


def _symbol(value: Any, where: str) -> tuple[str, str]:
    intent, act = items(word, 2)(value, where)
    # A decision repeats intents as what was expected instead.
    if not INTENT_FORM.fullmatch(intent):
        raise damaged(
            f"{where} has an intent {intent[:40]!r} that is not of the form 'domain.Name'"
        )
    if act not in _ACTS:
        raise damaged(f"{where} has an unknown act")
    return intent, act


_share = number(_LEAST_RATE, 1.0)
#: A rate whose complement is used too.
_rate = number(_LEAST_RATE, 1.0 - _LEAST_RATE)
_bits = table(table(number(0.0, _MOST_BITS)))
_counts = table(table(whole(_MOST_COUNT)))

#: The reader of each field of ``Population``.
_POPULATION: Mapping[str, Read[Any]] = {
    "domains": table(_share),
    "intents": table(_share),
    "committing": table(_share),
    "spread": table(_share),
    "slots": table(table(_rate)),
    "searched": table(_rate),
    "day": table(row(_share, PARTS_OF_DAY)),
    "hours": table(row(_share, PARTS_OF_WEEK)),
    "said": table(table(row(_rate, 2))),
    "within": table(table(_rate)),
    "coherence": made(Coherence, apart=table(_bits), across=_bits, left_out=table(_bits)),
    "flow": made(Flow, after_one=_counts, after_two=table(_counts), moves=whole(_MOST_COUNT)),
}
