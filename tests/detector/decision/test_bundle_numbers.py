"""A bundle with one number changed is refused, or still decides with finite numbers.

It never raises, hangs, or allows a command by accident.
"""

from __future__ import annotations

import copy
import io
import json
import math
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector.contracts.decisions import Verdict
from detector.contracts.errors import BundleError
from detector.contracts.events import Act
from detector.decision.bundle import LARGEST, bundle_from_files, bundle_to_files
from detector.decision.bundle_arrays import LARGEST_BUNDLE
from detector.evidence import TERMS
from detector.evidence.drift import fit_distribution
from detector.judge.judge import Judge
from tests.detector.builders import (
    ABSURD,
    dialogue,
    hand_bundle,
    hand_calibration,
    hand_judge,
    heard,
    run,
    send_message,
    training_sessions,
)

TRAINING = fit_distribution([np.linspace(0.0, 1.0, len(TERMS)) * number for number in range(30)])
BUNDLE = hand_bundle(calibration=hand_calibration(per_category=200), training=TRAINING)
FILES = bundle_to_files(BUNDLE)
NAMES = json.loads(FILES["names.json"])
STORED: dict[str, Any] = dict(np.load(io.BytesIO(FILES["arrays.npz"])))

#: Per array or part; dozens of them share the cost.
EXAMPLES = settings().max_examples // 5
#: Values that break arithmetic, and arbitrary ones.
FLOATS = st.sampled_from(
    [math.nan, math.inf, -math.inf, 0.0, -0.0, -1e308, 1e308, 5e-324, 1.0, -1.0, 1e9]
) | st.floats(width=64)
WHOLE = st.sampled_from([0, -1, 1, 63, 64, 65, 10**9, 2**63 - 1, -(2**63)]) | st.integers(
    -(2**63), 2**63 - 1
)
ANY_JSON: st.SearchStrategy[Any] = (
    FLOATS | st.integers() | st.sampled_from([10**400, None, True, "x", [], {}])
)


def with_arrays(**changes: Any) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, **(STORED | changes))
    return FILES | {"arrays.npz": buffer.getvalue()}


def refused_or_sane(files: dict[str, bytes]) -> None:
    try:
        bundle = bundle_from_files(files)
    except BundleError as error:
        assert str(error).startswith("the bundle")  # noqa: PT017 - refusing is one of two good ends
        return
    for events in (
        send_message(),
        heard(send_message(), ABSURD),
        training_sessions()[1],
        _strange(),
    ):
        decisions, _ = run(events, bundle)
        for decision in decisions:
            numbers = [decision.surprisal_bits, decision.event_bits]
            numbers += [each.bits for each in decision.reasons]
            numbers += [each.probability for each in decision.expected]
            assert all(map(math.isfinite, numbers))
            for share in (decision.misfire_probability, decision.p_value):
                assert share is None or 0.0 <= share <= 1.0
            assert decision.verdict is Verdict.ALLOW or decision.reasons


def _strange() -> list[Any]:
    return dialogue(
        ("ovens.Ignite", Act.INITIATE, False, {"x": "k1_1"}),
        ("messages.SendMessage", Act.AFFIRM, True),
    )


@pytest.mark.parametrize("name", sorted(STORED))
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_bundle_with_any_array_number_changed_is_rejected_or_decides_validly(
    name: str, data: st.DataObject
) -> None:
    array = STORED[name].copy()
    place = data.draw(st.integers(0, array.size - 1))
    array.flat[place] = data.draw(WHOLE if array.dtype.kind == "i" else FLOATS)
    refused_or_sane(with_arrays(**{name: array}))


@pytest.mark.parametrize("name", sorted(name for name in STORED if STORED[name].dtype.kind == "f"))
@pytest.mark.parametrize("number", [math.nan, -math.inf])
def test_a_non_finite_value_is_rejected_anywhere(name: str, number: float) -> None:
    for place in (0, STORED[name].size // 2, STORED[name].size - 1):
        array = STORED[name].copy()
        array.flat[place] = number
        with pytest.raises(BundleError, match=name):
            bundle_from_files(with_arrays(**{name: array}))


def _numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(each, (*path, key))
    elif not isinstance(value, str):
        yield path


PLACES = list(_numbers(NAMES))
PARTS = sorted({path[:2] for path in PLACES}, key=str)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: ".".join(map(str, part)))
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_bundle_with_any_number_in_names_changed_is_rejected_or_decides_validly(
    part: tuple[Any, ...], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([path for path in PLACES if path[: len(part)] == part]))
    names = copy.deepcopy(NAMES)
    inside: Any = names
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = data.draw(ANY_JSON)
    refused_or_sane(FILES | {"names.json": json.dumps(names).encode()})


@given(depth=st.integers() | st.floats())
@example(10**9)
@example(1e9)
def test_a_depth_that_differs_from_that_of_the_trees_is_rejected(depth: float) -> None:
    if depth != NAMES["depth"]:
        with pytest.raises(BundleError):
            bundle_from_files(FILES | {"names.json": json.dumps(NAMES | {"depth": depth}).encode()})


@pytest.mark.parametrize(
    "children",
    [
        [[1, 2], [1, 1], [3, 4], [3, 3], [3, 4]],  # a node stored before its parent
        [[1, 2], [1, 1], [3, 3], [3, 3], [4, 4]],  # a child twice, and an unreachable node
        [[0, 1], [1, 1], [3, 4], [3, 3], [4, 4]],  # a cycle
        [[2, 2], [1, 1], [3, 4], [3, 3], [4, 4]],
    ],
)
def test_nodes_that_do_not_form_a_tree_are_refused(children: list[list[int]]) -> None:
    with pytest.raises(BundleError, match="trees"):
        bundle_from_files(with_arrays(children=np.array(children)))


def test_too_many_thresholds_are_refused() -> None:
    splits = 600
    own = np.arange(2 * splits + 1)
    children = np.stack([own, own], axis=1)
    children[: 2 * splits : 2] = np.stack(
        [own[1 : 2 * splits : 2], own[2 : 2 * splits + 1 : 2]], axis=1
    )
    judge = {
        "roots": np.array([0]),
        "children": children,
        "term": np.zeros(len(own), int),
        "threshold": np.where(children[:, 0] != own, own.astype(float), np.inf),
        "bits": np.zeros(len(own)),
    }
    with pytest.raises(BundleError, match="deep"):
        bundle_from_files(with_arrays(**judge))


@pytest.mark.parametrize(
    "intent",
    ["", "music", "evil.\nName", "a." + "b" * 65, "\ud800.Name", "a.b.c", "a." + "b" * 5_000_000],
)
def test_a_symbol_that_is_not_an_intent_is_rejected(intent: str) -> None:
    # Decisions repeat symbols as what was expected instead.
    symbols = [[intent, NAMES["symbols"][0][1]], *NAMES["symbols"][1:]]
    names = json.dumps(NAMES | {"symbols": symbols}).encode()
    with pytest.raises(BundleError, match=r"not of the form 'domain\.Name'"):
        bundle_from_files(FILES | {"names.json": names})


def test_duplicate_names_are_refused() -> None:
    text = FILES["names.json"].replace(b'"depth":', b'"depth":1,"depth":', 1)
    with pytest.raises(BundleError, match="twice"):
        bundle_from_files(FILES | {"names.json": text})


def test_a_duplicate_pair_is_refused() -> None:
    pairs = STORED["pairs"].copy()
    pairs[1] = pairs[0]
    with pytest.raises(BundleError, match="pair"):
        bundle_from_files(with_arrays(pairs=pairs))


def test_an_array_of_another_type_is_refused() -> None:
    for name, kind in (
        ("bits", "<f4"),
        ("bits", "<c16"),
        ("roots", "<f8"),
        ("roots", ">i8"),
        ("pairs", "<i4"),
    ):
        with pytest.raises(BundleError, match=name):
            bundle_from_files(with_arrays(**{name: STORED[name].astype(kind)}))


@pytest.mark.parametrize("name", ["scores.physical.new", "blocks"])
def test_an_archive_too_large_when_decompressed_is_rejected_before_decompression(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("an array was unpacked")

    monkeypatch.setattr(np.lib.format, "read_array", never)
    files = FILES | {"arrays.npz": _bomb(name, 300 << 20)}
    assert len(files["arrays.npz"]) < 2 << 20
    with pytest.raises(BundleError, match=f"{LARGEST_BUNDLE} bytes"):
        bundle_from_files(files)
    with pytest.raises(BundleError, match=f"together: {name}"):
        bundle_from_files(FILES | {"arrays.npz": _bomb(name, 100 << 20)})


def _bomb(name: str, size: int) -> bytes:
    """Return an archive whose array ``name`` is ``size`` bytes of zeros."""
    buffer = io.BytesIO(FILES["arrays.npz"])
    with zipfile.ZipFile(buffer) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    shape = {"blocks": (size // 800, 10, 10)}.get(name, (size // 8,))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, content in members.items():
            if other != f"{name}.npy":
                archive.writestr(other, content)
        with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            file.write(header.getvalue())
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(LARGEST))
def test_a_file_that_is_too_large_is_refused_before_it_is_read(name: str) -> None:
    with pytest.raises(BundleError, match=f"{name} has more than"):
        bundle_from_files(FILES | {name: bytes(LARGEST[name] + 1)})


class Broken(Judge):
    """A judge whose arithmetic fails, unlike that of any bundle that was read."""

    answer: float | Exception = math.nan

    def ratio_of(self, leaves: Any) -> float:  # noqa: ARG002
        if isinstance(Broken.answer, Exception):
            raise Broken.answer
        return Broken.answer


@pytest.mark.parametrize(
    "answer", [math.nan, math.inf, -math.inf, OverflowError(), ValueError("math domain error")]
)
def test_a_judge_without_a_number_leaves_the_verdict_to_the_policy(
    answer: float | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = hand_judge()
    fields = {
        name: getattr(good, name)
        for name in ("names", "roots", "term", "threshold", "children", "bits")
    }
    broken = replace(BUNDLE, judge=Broken(**fields, offset_bits=0.0, depth=2))
    monkeypatch.setattr(Broken, "answer", answer)
    decision = run(send_message(), broken)[0][-1]
    assert (
        decision.verdict is BUNDLE.policy.classes[decision.risk_class].fallback is Verdict.CONFIRM
    )
    assert decision.abstained
    assert decision.reasons[0].code == "judge_failed"
    assert decision.misfire_probability is decision.p_value is None
