import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import BundleError
from detector.decision.bundle import FORMAT, Bundle, bundle_from_files, bundle_to_files
from tests.detector.builders import (
    ABSURD,
    POLICY_TEXT,
    hand_bundle,
    hand_calibration,
    hand_judge,
    heard,
    policy,
    run,
    send_message,
    training_sessions,
)

BUNDLE = hand_bundle(calibration=hand_calibration(per_category=200))
FILES = bundle_to_files(BUNDLE)
ARRAYS = [
    *("pairs", "blocks", "escape", "backoff", "arrival"),
    *("roots", "term", "threshold", "children", "bits"),
]


def with_names(**changes: Any) -> dict[str, bytes]:
    names = json.loads(FILES["names.json"]) | changes
    return FILES | {"names.json": json.dumps(names).encode()}


def with_arrays(**changes: Any) -> dict[str, bytes]:
    """Return files with other arrays; ``None`` removes one. Objects are pickled, as in attacks."""
    arrays = dict(np.load(io.BytesIO(FILES["arrays.npz"]))) | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return FILES | {"arrays.npz": buffer.getvalue()}


def assert_refused(files: dict[str, bytes], *parts: str) -> None:
    with pytest.raises(BundleError) as caught:
        bundle_from_files(files)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert message.startswith("the bundle")
    assert "Traceback" not in message


def test_a_round_trip_gives_the_same_bytes_and_version() -> None:
    read = bundle_from_files(FILES)
    assert bundle_to_files(read) == FILES
    assert read.version == BUNDLE.version
    assert bundle_to_files(bundle_from_files(dict(reversed(FILES.items())))) == FILES


def test_a_loaded_bundle_makes_the_same_decisions() -> None:
    read = bundle_from_files(FILES)
    for events in (send_message(), heard(send_message(), ABSURD), training_sessions()[1]):
        assert run(events, read) == run(events, BUNDLE)


def test_equal_bundles_have_equal_versions() -> None:
    again = hand_bundle(calibration=hand_calibration(per_category=200))
    assert again.version == BUNDLE.version
    assert len(again.version) == 16


@pytest.mark.parametrize(
    "other",
    [
        hand_bundle(calibration=hand_calibration(per_category=201)),
        hand_bundle(calibration=hand_calibration(200), rules=policy(base_rate="0.002")),
        hand_bundle(
            calibration=hand_calibration(200), judge=replace(hand_judge(), offset_bits=1e-9)
        ),
        hand_bundle(
            calibration=hand_calibration(200),
            model=replace(BUNDLE.model, population=replace(BUNDLE.model.population, searched={})),
        ),
    ],
    ids=["calibration", "policy", "judge", "population"],
)
def test_changing_any_part_changes_the_version(other: Bundle) -> None:
    assert other.version != BUNDLE.version


def test_the_version_depends_on_the_content_not_on_a_name() -> None:
    read = bundle_from_files(FILES)
    assert read.policy == BUNDLE.policy
    assert read.policy.text == POLICY_TEXT
    assert read.model.vocabulary == BUNDLE.model.vocabulary
    assert read.model.population == BUNDLE.model.population
    assert set(read.calibration.scores) == set(BUNDLE.calibration.scores)
    assert (RiskClass.PHYSICAL, True) in read.calibration.scores


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_named(name: str) -> None:
    assert_refused(
        {key: value for key, value in FILES.items() if key != name},
        f"lacks {name}",
        "train it again",
    )


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_flipped_byte_is_rejected_or_changes_the_version(name: str) -> None:
    for place in range(0, len(FILES[name]), max(len(FILES[name]) // 50, 1)):
        content = bytearray(FILES[name])
        content[place] ^= 0x01
        try:
            read = bundle_from_files(FILES | {name: bytes(content)})
        except BundleError:
            continue
        assert read.version != BUNDLE.version


def test_a_flipped_byte_in_an_array_is_refused() -> None:
    """The archive's own checksums detect it, even without a comparison of versions."""
    content = bytearray(FILES["arrays.npz"])
    with zipfile.ZipFile(io.BytesIO(FILES["arrays.npz"])) as archive:
        member = max(archive.infolist(), key=lambda info: info.compress_size)
    content[member.header_offset + 60 + member.compress_size // 2] ^= 0x01
    assert_refused(FILES | {"arrays.npz": bytes(content)}, "damaged")


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{}", b"[]", b"PK\x05\x06" + bytes(18)])
def test_garbage_is_rejected(name: str, content: bytes) -> None:
    assert_refused(FILES | {name: content})


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_truncated_file_is_rejected(name: str) -> None:
    assert_refused(FILES | {name: FILES[name][: len(FILES[name]) // 2]})


def test_an_invalid_policy_makes_the_bundle_invalid() -> None:
    text = POLICY_TEXT.replace("base_rate = 0.001", "base_rate = 7")
    assert_refused(FILES | {"policy.toml": text.encode()}, "policy cannot be used", "base_rate")


def test_an_unknown_format_is_rejected() -> None:
    assert_refused(
        with_names(format=FORMAT + 1), f"format {FORMAT + 1}", f"reads {FORMAT}", "train it again"
    )


TERM_NAMES = json.loads(FILES["names.json"])["terms"]


def with_terms(terms: list[str]) -> dict[str, bytes]:
    """Return the bundle as a version with these terms would have written it."""
    term = np.load(io.BytesIO(FILES["arrays.npz"]))["term"]
    asked = [TERM_NAMES[number] for number in term]
    return with_arrays(term=np.array([terms.index(name) for name in asked])) | {
        "names.json": with_names(terms=terms)["names.json"]
    }


@pytest.mark.parametrize(
    "terms",
    [
        [name for name in TERM_NAMES if name == "wake_confidence"],
        TERM_NAMES[::-1],
        ["phase_of_the_moon", *TERM_NAMES],
    ],
    ids=["terms that were added later", "another order", "an unused term that was removed"],
)
def test_a_bundle_for_other_terms_decides_alike(terms: list[str]) -> None:
    read = bundle_from_files(with_terms(terms))
    assert [row.misfire_probability for row in run(heard(send_message(), ABSURD), read)[0]] == [
        row.misfire_probability for row in run(heard(send_message(), ABSURD), BUNDLE)[0]
    ]


def test_a_bundle_that_uses_a_removed_term_is_refused() -> None:
    terms = ["phase_of_the_moon" if name == "wake_confidence" else name for name in TERM_NAMES]
    assert_refused(with_names(terms=terms), "other evidence terms", "phase_of_the_moon")
    assert_refused(with_names(terms=[]), "terms")
    assert_refused(with_names(terms=TERM_NAMES + TERM_NAMES[:1]), "twice")


@pytest.mark.parametrize("key", sorted(json.loads(FILES["names.json"])))
def test_a_missing_name_is_refused(key: str) -> None:
    names = json.loads(FILES["names.json"])
    del names[key]
    assert_refused(FILES | {"names.json": json.dumps(names).encode()}, "damaged", key)


@pytest.mark.parametrize("key", ARRAYS)
def test_a_missing_array_is_refused(key: str) -> None:
    assert_refused(with_arrays(**{key: None}), key)


@pytest.mark.parametrize("key", sorted({*ARRAYS} - {"roots"}))
def test_arrays_of_another_bundle_are_rejected(key: str) -> None:
    array = np.load(io.BytesIO(FILES["arrays.npz"]))[key]
    assert_refused(with_arrays(**{key: array[:-1]}), "do not fit together")


@pytest.mark.parametrize("key", ["roots", "term", "children", "pairs"])
@pytest.mark.parametrize("number", [-1, 10_000])
def test_indices_out_of_range_are_refused(key: str, number: int) -> None:
    array = np.load(io.BytesIO(FILES["arrays.npz"]))[key]
    array.flat[0] = number
    assert_refused(with_arrays(**{key: array}), "numbers out of range")


def test_scores_of_an_unknown_class_are_refused() -> None:
    assert_refused(with_arrays(**{"scores.gift.new": np.zeros(3)}), "gift")


class Bomb:
    exploded = False

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return explode, ()


def explode() -> None:
    Bomb.exploded = True


@pytest.mark.parametrize("key", ["blocks", "surplus", "scores.physical.new"])
def test_nothing_in_a_bundle_is_ever_executed(key: str) -> None:
    files = with_arrays(**{key: np.array([Bomb()], dtype=object)})
    Bomb.exploded = False
    assert_refused(files, "damaged")
    assert not Bomb.exploded


def test_a_pickle_in_place_of_the_archive_is_refused() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object))
    Bomb.exploded = False
    assert_refused(FILES | {"arrays.npz": buffer.getvalue()})
    assert not Bomb.exploded


def test_the_files_contain_no_pickle() -> None:
    assert set(FILES) == {"policy.toml", "names.json", "arrays.npz", "report.json"}
    with zipfile.ZipFile(io.BytesIO(FILES["arrays.npz"])) as archive:
        for member in archive.namelist():
            header = archive.read(member)[:200]
            assert header.startswith(b"\x93NUMPY")
            assert b"'|O'" not in header
