import functools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.errors import BundleError
from detector.contracts.events import Act
from detector.decision.decide import decide
from detector.evidence import TERMS
from detector.household.state import HouseholdState
from streams.files import starter
from streams.files.bundles import read_bundle, write_bundle
from streams.files.starter import (
    PAGE,
    REPORT,
    STARTER,
    deciding_directory,
    read_deciding,
    starter_bundle,
)
from streams.files.starter.digest import SHA256
from streams.local.starter_page import starter_page
from tests.commands import misfire
from tests.detector.builders import event, hand_bundle, policy

#: Bytes that the starter bundle may add to the wheel.
LARGEST_STARTER = 3 << 20


def test_the_starter_bundle_is_readable_and_up_to_date() -> None:
    """If this fails, run ``misfire starter train`` and commit its output."""
    bundle = starter_bundle()
    # A reader maps older terms to the current ones, so this looks into the file.
    written = json.loads((STARTER / "names.json").read_bytes())["terms"]
    assert written == [term.name for term in TERMS]
    packaged = policy()
    assert bundle.policy.classes == packaged.classes
    for intent, _ in bundle.model.vocabulary.symbols:
        assert bundle.classify(intent) == packaged.classify(intent), intent
        assert bundle.policy.asks_first(intent) == packaged.asks_first(intent), intent
    assert json.loads(REPORT.read_bytes())["bundle"] == bundle.version


def test_the_page_states_the_version_and_the_hash_that_show_checks() -> None:
    bundle = starter_bundle()
    assert PAGE.read_text() == starter_page(bundle, SHA256)
    shown = misfire("starter", "show", "--json", "-")
    found = json.loads(shown.stdout)
    assert (found["bundle"], found["sha256"]) == (bundle.version, SHA256)
    for stated in (bundle.version, SHA256):
        assert f"`{stated}`" in PAGE.read_text()


def test_the_starter_bundle_may_enforce() -> None:
    assert not starter_bundle().is_unready


def test_the_starter_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in STARTER.iterdir()) < LARGEST_STARTER


def test_a_starter_bundle_that_was_replaced_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    monkeypatch.setattr(starter, "STARTER", tmp_path / "bundle")
    with pytest.raises(BundleError, match="changed after installation"):
        starter_bundle()


def test_a_bundle_is_searched_for_where_given_then_where_usual_then_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert deciding_directory(None) == STARTER
    assert read_deciding(None).version == read_bundle(STARTER).version
    shutil.copytree(STARTER, "bundle")
    assert deciding_directory(None) == Path("bundle")
    assert deciding_directory(Path("other")) == Path("other")


unchanged_starter = functools.cache(starter_bundle)


def message_in_a_new_home(heard: Sequence[Sequence[float]]) -> Decision:
    """Decide on "send a message", a name and "right", heard with these confidences."""
    state, bundle = HouseholdState.new("h1"), unchanged_starter()
    acts = (Act.INITIATE, Act.INFORM, Act.AFFIRM)
    for turn, (act, (wake, asr, intent)) in enumerate(zip(acts, heard, strict=True)):
        each = event(
            turn,
            intent="messages.SendMessage",
            act=act,
            commits=act is Act.AFFIRM,
            wake_confidence=wake,
            asr_confidence=asr,
            intent_confidence=intent,
        )
        decision, state = decide(state, each, bundle, at=each.seconds)
    return decision


confidence = st.floats(0.0, 1.0)
turns = st.tuples(*[st.tuples(confidence, confidence, confidence)] * 3)


@given(turns, turns)
def test_a_lower_confidence_never_makes_a_command_less_suspicious(
    some: tuple[tuple[float, ...], ...], others: tuple[tuple[float, ...], ...]
) -> None:
    lower, higher = (
        [tuple(map(choose, *pair)) for pair in zip(some, others, strict=True)]
        for choose in (min, max)
    )

    more, less = (message_in_a_new_home(heard).misfire_probability for heard in (lower, higher))
    assert more is not None
    assert less is not None
    assert more >= less * (1.0 - 1e-9)


def test_in_a_new_home_the_portland_chain_is_confirmed_and_a_clear_message_is_allowed() -> None:
    """The starter bundle decides for homes that it knows nothing about."""
    assert message_in_a_new_home([(0.35, 0.6, 0.6)] * 3).verdict is Verdict.CONFIRM
    assert message_in_a_new_home([(0.6, 0.7, 0.7)] * 3).verdict is Verdict.CONFIRM
    assert message_in_a_new_home([(0.95, 0.95, 0.95)] * 3).verdict is Verdict.ALLOW
