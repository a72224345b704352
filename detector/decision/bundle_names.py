"""Reading ``names.json`` of a bundle: names and base rates, each number within stated limits.

The code divides by rates and takes their logarithms. A rate is therefore never zero, and never one
if its complement is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from detector.contracts.events import INTENT_FORM, Act
from detector.decision.bundle_arrays import damaged
from detector.decision.bundle_checks import DEEPEST
from detector.population.base_rates import PARTS_OF_DAY, PARTS_OF_WEEK, Population
from detector.population.dialogue_flow import Flow
from detector.population.slot_pairs import Coherence
from detector.population.vocabulary import Vocabulary

__all__ = ["Names", "parse_names", "read_object"]

T = TypeVar("T")
Read = Callable[[Any, str], T]

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


def read_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object, and reject ambiguous JSON.

    Raises:
        BundleError: the value is not an object, or contains a duplicate name, NaN or Infinity.
        ValueError: the data is not JSON.
    """
    found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise damaged("names.json is not an object")
    return found


def parse_names(names: Mapping[str, Any]) -> Names:
    """Read names and rates.

    Raises:
        BundleError: a value is missing, unknown, of another type or out of range; the message names
            it.
    """
    known = {"format", "symbols", "population", "terms", "offset_bits", "depth"}
    _same_keys(names, known, "names.json")
    symbols = tuple(_list(_symbol)(names["symbols"], "symbols"))
    if len(set(symbols)) != len(symbols):
        raise damaged("symbols contains a symbol twice")
    population = names["population"]
    _same_keys(population, _POPULATION.keys(), "population")
    return Names(
        Vocabulary(symbols),
        Population(**{name: read(population[name], name) for name, read in _POPULATION.items()}),
        tuple(_list(_word)(names["terms"], "terms")),
        _number(-_HEAVIEST_OFFSET, _HEAVIEST_OFFSET)(names["offset_bits"], "offset_bits"),
        _whole(DEEPEST)(names["depth"], "depth"),
    )


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise damaged(f"{where} contains something that is not a name")
    return value


def _symbol(value: Any, where: str) -> tuple[str, str]:
    intent, act = _list(_word, 2)(value, where)
    # A decision repeats intents as what was expected instead.
    if not INTENT_FORM.fullmatch(intent):
        raise damaged(
            f"{where} has an intent {intent[:40]!r} that is not of the form 'domain.Name'"
        )
    if act not in _ACTS:
        raise damaged(f"{where} has an unknown act")
    return intent, act


def _number(least: float, most: float) -> Read[float]:
    def read(value: Any, where: str) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value <= most
        ):
            raise damaged(f"{where} must be a number from {least:g} to {most:g}")
        return float(value)

    return read


def _whole(most: int) -> Read[int]:
    def read(value: Any, where: str) -> int:
        if type(value) is not int or not 0 <= value <= most:
            raise damaged(f"{where} must be an integer from 0 to {most}")
        return value

    return read


def _list(of: Read[T], size: int | None = None) -> Read[list[T]]:
    def read(value: Any, where: str) -> list[T]:
        if not isinstance(value, list) or size not in (None, len(value)):
            raise damaged(f"{where} must be a list" + ("" if size is None else f" of {size}"))
        return [of(each, where) for each in value]

    return read


def _row(of: Read[T], size: int) -> Read[tuple[T, ...]]:
    return lambda value, where: tuple(_list(of, size)(value, where))


def _table(of: Read[T]) -> Read[dict[str, T]]:
    def read(value: Any, where: str) -> dict[str, T]:
        if not isinstance(value, dict):
            raise damaged(f"{where} must be an object")
        return {key: of(each, where) for key, each in value.items()}

    return read


def _made(kind: Callable[..., T], **fields: Read[Any]) -> Read[T]:
    def read(value: Any, where: str) -> T:
        _same_keys(value, fields.keys(), where)
        return kind(**{name: of(value[name], f"{where}.{name}") for name, of in fields.items()})

    return read


def _same_keys(value: Any, known: Any, where: str) -> None:
    found = set(value) if isinstance(value, dict) else set()
    if differing := sorted(found ^ set(known)):
        raise damaged(f"{where} has missing or unknown keys: {', '.join(differing)[:100]}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise damaged("names.json has a name twice in an object")
    return found


def _no_number(_: str) -> NoReturn:
    raise damaged("names.json contains NaN or Infinity")


_share = _number(_LEAST_RATE, 1.0)
#: A rate whose complement is used too.
_rate = _number(_LEAST_RATE, 1.0 - _LEAST_RATE)
_bits = _table(_table(_number(0.0, _MOST_BITS)))
_counts = _table(_table(_whole(_MOST_COUNT)))

#: The reader of each field of ``Population``.
_POPULATION: Mapping[str, Read[Any]] = {
    "domains": _table(_share),
    "intents": _table(_share),
    "committing": _table(_share),
    "spread": _table(_share),
    "slots": _table(_table(_rate)),
    "searched": _table(_rate),
    "day": _table(_row(_share, PARTS_OF_DAY)),
    "hours": _table(_row(_share, PARTS_OF_WEEK)),
    "said": _table(_table(_row(_rate, 2))),
    "within": _table(_table(_rate)),
    "coherence": _made(Coherence, apart=_table(_bits), across=_bits, left_out=_table(_bits)),
    "flow": _made(Flow, after_one=_counts, after_two=_table(_counts), moves=_whole(_MOST_COUNT)),
}
