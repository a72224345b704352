"""The arrays of a bundle: one table says what each may hold, and nothing that disagrees with it is read.

An archive is foreign bytes. Its headers are compared with the table before any array is unpacked, so that an archive cannot take more
memory than a bundle has. Every number is checked afterwards: one NaN among the judge's bits would allow what should be blocked.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import BundleError
from detector.evidence.drift import BINS

__all__ = ["ARRAYS", "LARGEST_BUNDLE", "Rule", "damaged", "packed", "unpacked"]

#: Bytes, packed or unpacked. A bundle of 250 symbols has two million; assistants with a hundred times as many pairs stay below.
LARGEST_BUNDLE = 1 << 28

#: The most of each dimension: clones, nodes and trees of the judge, and scores of one category. Fitted bundles have about 10 clones, 200
#: trees and 25,000 nodes. A session keeps its clones, and evidence is tabulated by node, so that both cost memory while it decides.
_MOST = {"C": 64, "N": 1 << 16, "R": 1_000, "S": 1_000_000}

#: A probability in a bundle is never zero: a surprisal would be infinite. Counts of a trillion events leave more than this.
_RAREST = 1e-60
#: Bits that one node of the judge, or one score, may weigh. Fitted ones stay below 100.
_HEAVIEST_NODE, _HEAVIEST_SCORE = 1e4, 1e8
#: Sums of probabilities are one up to this.
_TOLERANCE = 1e-6

#: Others unpack with more memory than their packed size lets one expect.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one array may hold.

    Args:
        kind: numpy's name of the type.
        shape: the dimensions: a number, or a letter with an offset (``M+1``) that stands for the same number in every array.
        least: the least value.
        most: the greatest value, or an expression like a dimension, which the value stays below.
        order: ``rows`` where values along the last axis never fall.
        total: ``rows`` where values along the last axis sum to one.
        optional: whether a bundle may lack it.
    """

    kind: str
    shape: tuple[str | int, ...]
    least: float
    most: float | str
    order: str = ""
    total: str = ""
    optional: bool = False


#: M symbols, C clones, P pairs, T terms, N nodes, R trees, S scores of a category (each its own).
ARRAYS: Mapping[str, Rule] = {
    "pairs": Rule("<i8", ("P", 2), 0, "M+1"),
    "blocks": Rule("<f8", ("P", "C", "C"), 0.0, 1.0),
    "escape": Rule("<f8", ("M+1", "C"), _RAREST, 1.0),
    "backoff": Rule("<f8", ("M+1", "M"), _RAREST, 1.0, total="rows"),
    "arrival": Rule("<f8", ("M", "C"), 0.0, 1.0, total="rows"),
    "roots": Rule("<i8", ("R",), 0, "N", order="rows"),
    "term": Rule("<i8", ("N",), 0, "2T"),
    "threshold": Rule("<f8", ("N",), -np.finfo(float).max, np.inf),
    "children": Rule("<i8", ("N", 2), 0, "N"),
    "bits": Rule("<f8", ("N",), -_HEAVIEST_NODE, _HEAVIEST_NODE),
    "training.edges": Rule(
        "<f8", ("T", BINS - 1), -np.finfo(float).max, np.inf, order="rows", optional=True
    ),
    "training.shares": Rule("<f8", ("T", BINS + 1), 0.0, 1.0, total="rows", optional=True),
} | {
    f"scores.{risk}.{household}": Rule(
        "<f8", ("S",), -_HEAVIEST_SCORE, _HEAVIEST_SCORE, order="rows", optional=True
    )
    for risk in RiskClass
    for household in ("new", "known")
}


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Pack arrays; equal arrays give equal bytes, since numpy stamps every member with the same fixed date."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)}
    )
    return buffer.getvalue()


def unpacked(data: bytes, *, symbols: int, terms: int) -> dict[str, Array]:
    """Read the arrays of a bundle for M ``symbols`` and T ``terms``, and hold each to its rule.

    Raises:
        BundleError: an array is missing, unknown, too large, of another type or shape, or holds a number out of range.
    """
    sizes = {"M": symbols, "T": terms}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = _members(archive)
        for name, member in members.items():
            with archive.open(member) as file:
                _check_header(name, file, member.file_size, sizes)
        arrays = {}
        for name, member in members.items():
            with archive.open(member) as file:
                arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
    for name, array in arrays.items():
        _check_values(name, array, sizes)
    return arrays


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return what is in an archive by the name of the array, when it is what the table says and not too much of it."""
    there = archive.infolist()
    members = {member.filename.removesuffix(".npy"): member for member in there}
    if sum(member.file_size for member in there) > LARGEST_BUNDLE:
        raise damaged(f"it unpacks to more than {LARGEST_BUNDLE} bytes")
    if strange := sorted(members.keys() - ARRAYS.keys()):
        raise damaged(f"no bundle has an array {strange[0][:40]!r}")
    if missing := sorted(
        name for name in ARRAYS.keys() - members.keys() if not ARRAYS[name].optional
    ):
        raise damaged(f"it lacks the array {missing[0]}")
    if len(members) != len(there):
        raise damaged("it holds an array twice")
    if not {member.compress_type for member in there} <= _METHODS:
        raise damaged("it is packed in a way that bundles are not")
    return members


def _check_header(name: str, file: IO[bytes], there: int, sizes: dict[str, int]) -> None:
    """Compare what an array says of itself with its rule; ``sizes`` grows by the dimensions that are seen for the first time."""
    rule = ARRAYS[name]
    if np.lib.format.read_magic(file) != (1, 0):
        raise damaged(f"{name} is no array")
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    if kind != np.dtype(rule.kind):
        raise damaged(f"{name} is not of the type {np.dtype(rule.kind)}")
    own = dict(sizes)
    if len(shape) != len(rule.shape) or any(
        _size(wanted, own, found) != found for wanted, found in zip(rule.shape, shape, strict=True)
    ):
        raise damaged(f"names and arrays do not fit together: {name} has the shape {shape}")
    if math.prod(shape) * kind.itemsize > there:
        raise damaged(f"{name} says that it is larger than it is")
    sizes |= {letter: size for letter, size in own.items() if letter != "S"}


def _size(wanted: str | int, sizes: dict[str, int], found: int) -> int:
    """Return how long a dimension has to be; one that is not known yet is as long as it was ``found``, up to its limit."""
    if isinstance(wanted, int):
        return wanted
    letter = wanted.removeprefix("2").removesuffix("+1")
    if letter not in sizes:
        sizes[letter] = min(found, _MOST.get(letter, LARGEST_BUNDLE))
    return sizes[letter] * (2 if wanted[0] == "2" else 1) + wanted.endswith("+1")


def _check_values(name: str, array: Array, sizes: dict[str, int]) -> None:
    rule = ARRAYS[name]
    most = rule.most if not isinstance(rule.most, str) else _size(rule.most, sizes, 0) - 1
    # NaN is neither, so both comparisons have to hold.
    if not bool(((array >= rule.least) & (array <= most)).all()):
        raise damaged(f"{name} has numbers out of range (from {rule.least:g} to {most:g})")
    if rule.order and not bool((array[..., 1:] >= array[..., :-1]).all()):
        raise damaged(f"{name} is not in ascending order")
    if rule.total and not bool((np.abs(array.sum(axis=-1) - 1.0) <= _TOLERANCE).all()):
        raise damaged(f"{name} has rows that do not sum to one")


def damaged(what: str) -> BundleError:
    """Say what is wrong with a bundle and what to do."""
    return BundleError(f"the bundle is damaged: {what}; train it again with 'misfire train'")
