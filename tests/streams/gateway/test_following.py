from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detector.decision.canary import in_canary
from detector.decision.rule_timeline import RuleTimeline
from streams.files.bundles import write_bundle
from streams.gateway.following import use_announced
from streams.gateway.ladder import Ladder
from streams.gateway.sessions import Sessions
from streams.lifecycle.library import Library, reference_to
from streams.telemetry import metrics
from streams.wire.announcements import BundleReference
from tests.detector.builders import SURE, hand_bundle, heard, send_message
from tests.detector.decision.test_carrying import OTHER
from tests.detector.rules import rule
from tests.streams.lifecycle.announcements import announcement

EVENTS = heard(send_message(), SURE)


@pytest.fixture
def other(tmp_path: Path) -> BundleReference:
    write_bundle(OTHER, tmp_path / "other")
    return reference_to(tmp_path / "other", OTHER)


def sessions_of(ladder: Ladder) -> Sessions:
    assert ladder._sessions is not None
    return ladder._sessions


def test_the_gateways_rung_takes_an_announced_bundle(other: BundleReference) -> None:
    own = hand_bundle()
    ladder = Ladder(own.policy, own)
    sessions, decided = sessions_of(ladder), []
    for number, event in enumerate(EVENTS):
        if number == 2:
            use_announced((announcement(1, other),), ladder, Library(own))
        decided.append(sessions.judge(sessions.begin(event, at=event.seconds)).bundle)

    assert decided == [own.version, own.version, OTHER.version]
    assert ladder.bundle is not None
    assert ladder.bundle.version == OTHER.version


def test_a_canary_decides_for_its_households_on_the_gateways_rung(other: BundleReference) -> None:
    own = hand_bundle()
    ladder = Ladder(own.policy, own)
    use_announced((announcement(1, other, canary=0.3),), ladder, Library(own))

    assert ladder.bundle is own
    for name in (f"home{number}" for number in range(40)):
        wanted = OTHER if in_canary(name, 0.3) else own
        assert sessions_of(ladder).choose(name).version == wanted.version


def test_an_unfinished_or_unreadable_announcement_changes_nothing(other: BundleReference) -> None:
    own = hand_bundle()
    ladder, library = Ladder(own.policy, own), Library(own)
    lost = replace(other, location="/nowhere", sha256="0" * 64)

    use_announced((announcement(1, other, since=None),), ladder, library)
    assert ladder.bundle is own
    use_announced((announcement(1, lost),), ladder, library)

    assert ladder.bundle is own
    assert metrics.BUNDLE_REFUSED._value.get() == 1
    use_announced((announcement(1, lost), announcement(2, None)), ladder, library)
    assert metrics.BUNDLE_REFUSED._value.get() == 0


def test_a_gateway_without_a_bundle_gets_the_announced_one(other: BundleReference) -> None:
    ladder = Ladder(hand_bundle().policy, None)

    use_announced((), ladder, Library(None))
    assert ladder._sessions is None
    use_announced((announcement(1, other),), ladder, Library(None))

    assert sessions_of(ladder).choose("h1").version == OTHER.version


def test_rules_outlast_a_change_of_the_bundle() -> None:
    own = hand_bundle()
    ladder, rules = Ladder(own.policy, own), RuleTimeline({"r1": rule()})

    ladder.use_rules(rules)
    assert sessions_of(ladder).rules is rules
    ladder.use(None, lambda _: own)
    ladder.use(own, lambda _: own)
    assert sessions_of(ladder).rules is rules
