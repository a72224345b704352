"""Reading and writing the arrays of a bundle, under one table of what each array may contain.

An archive is untrusted. Its headers are compared with the table before any array is unpacked, so an
archive cannot use more memory than a bundle has. Every number is checked afterwards: a single NaN
among the judge's bits could allow a command that should be blocked.
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

#: Bytes, packed or unpacked. A bundle of 250 symbols has two million; an assistant with a hundred
#: times as many pairs still fits.
LARGEST_BUNDLE = 1 << 28

#: The largest size of each dimension: clones (C), nodes (N) and trees (R) of the judge, and scores
#: of one category (S). Fitted bundles have about 10 clones, 200 trees and 25,000 nodes. Clones and
#: nodes use memory while the bundle decides: per session, and in the lookup tables.
_MOST = {"C": 64, "N": 1 << 16, "R": 1_000, "S": 1_000_000}

#: A probability in a bundle is never zero, because its surprisal would be infinite. Counts of a
#: trillion events still give more than this.
_RAREST = 1e-60
#: The largest weight of a node of the judge, and the largest score, in bits. Fitted ones are below
#: 100.
_HEAVIEST_NODE, _HEAVIEST_SCORE = 1e4, 1e8
#: How far a sum of probabilities may differ from one.
_TOLERANCE = 1e-6

#: Other methods need more memory to unpack than the packed size suggests.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one array may contain.

    Attributes:
        kind: numpy's name of the type.
        shape: the dimensions: a number, or a letter with an optional factor or offset (``2T``,
            ``M+1``). A letter has the same value in every array.
        least: the smallest value.
        most: the largest value; or a dimension, which values are less than.
        order: ``rows`` if values along the last axis must not decrease.
        total: ``rows`` if values along the last axis must sum to one.
        optional: whether a bundle may omit it.
    """

    kind: str
    shape: tuple[str | int, ...]
    least: float
    most: float | str
    order: str = ""
    total: str = ""
    optional: bool = False


#: M symbols, C clones, P pairs, T terms, N nodes, R trees, S scores of one category.
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
    """Pack arrays. Equal arrays give equal bytes, because numpy dates every member alike."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)}
    )
    return buffer.getvalue()


def unpacked(data: bytes, *, symbols: int, terms: int) -> dict[str, Array]:
    """Read the arrays of a bundle for M ``symbols`` and T ``terms``, and check each by its rule.

    Raises:
        BundleError: an array is missing, unknown, too large or has a wrong type or shape, or a
            number is out of range.
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
    """Return the members of an archive by array name, if they are as expected and not too large."""
    infos = archive.infolist()
    members = {member.filename.removesuffix(".npy"): member for member in infos}
    if sum(member.file_size for member in infos) > LARGEST_BUNDLE:
        raise damaged(f"it unpacks to more than {LARGEST_BUNDLE} bytes")
    if unknown := sorted(members.keys() - ARRAYS.keys()):
        raise damaged(f"{unknown[0][:40]!r} is not an array of a bundle")
    if missing := sorted(
        name for name in ARRAYS.keys() - members.keys() if not ARRAYS[name].optional
    ):
        raise damaged(f"it lacks the array {missing[0]}")
    if len(members) != len(infos):
        raise damaged("it contains an array twice")
    if not {member.compress_type for member in infos} <= _METHODS:
        raise damaged("it uses a compression method that bundles do not")
    return members


def _check_header(name: str, file: IO[bytes], stored: int, sizes: dict[str, int]) -> None:
    """Compare an array's header with its rule, and add dimensions seen first to ``sizes``."""
    rule = ARRAYS[name]
    if np.lib.format.read_magic(file) != (1, 0):
        raise damaged(f"{name} is not an array")
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    if kind != np.dtype(rule.kind):
        raise damaged(f"{name} is not of the type {np.dtype(rule.kind)}")
    own = dict(sizes)
    if len(shape) != len(rule.shape) or any(
        _size(wanted, own, found) != found for wanted, found in zip(rule.shape, shape, strict=True)
    ):
        raise damaged(f"names and arrays do not fit together: {name} has the shape {shape}")
    if math.prod(shape) * kind.itemsize > stored:
        raise damaged(f"{name} declares more data than it has")
    sizes |= {letter: size for letter, size in own.items() if letter != "S"}


def _size(wanted: str | int, sizes: dict[str, int], found: int) -> int:
    """Return the required length of a dimension; the first array to use a letter sets it."""
    if isinstance(wanted, int):
        return wanted
    letter = wanted.removeprefix("2").removesuffix("+1")
    if letter not in sizes:
        sizes[letter] = min(found, _MOST.get(letter, LARGEST_BUNDLE))
    return sizes[letter] * (2 if wanted[0] == "2" else 1) + wanted.endswith("+1")


def _check_values(name: str, array: Array, sizes: dict[str, int]) -> None:
    rule = ARRAYS[name]
    most = rule.most if not isinstance(rule.most, str) else _size(rule.most, sizes, 0) - 1
    # Comparisons with NaN are false, so this also rejects NaN.
    if not bool(((array >= rule.least) & (array <= most)).all()):
        raise damaged(f"{name} has numbers out of range (from {rule.least:g} to {most:g})")
    if rule.order and not bool((array[..., 1:] >= array[..., :-1]).all()):
        raise damaged(f"{name} is not in ascending order")
    if rule.total and not bool((np.abs(array.sum(axis=-1) - 1.0) <= _TOLERANCE).all()):
        raise damaged(f"{name} has rows that do not sum to one")


def damaged(what: str) -> BundleError:
    """Return an error that says what is wrong with a bundle and what to do."""
    return BundleError(f"the bundle is damaged: {what}; train it again with 'misfire train'")
