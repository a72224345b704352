from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streams.errors import UsageError
from streams.files.bundles import write_bundle
from streams.lifecycle import promotion
from streams.lifecycle.announcing import NotReady
from streams.lifecycle.channel_changes import Reason, check_change
from streams.lifecycle.library import Library, reference_to
from streams.lifecycle.promotion import promote
from streams.lifecycle.rollback import restored
from streams.settings import Settings
from streams.wire.announcements import BUNDLE_CHANNEL, MAX_ANNOUNCEMENTS, Announcement
from tests.detector.builders import hand_bundle, hand_report
from tests.streams.lifecycle.announcements import announcement, channel

WHY = Reason("ann", "a test")


def rolled_back(*announcements: Announcement) -> tuple[int, str | None]:
    """Return the number and the version that a rollback restores."""
    number, found = restored(channel(*announcements))
    return number, None if found is None or found.bundle is None else found.bundle.version


def test_a_rollback_restores_the_bundlerestored() -> None:
    assert rolled_back(announcement(1, "a")) == (0, None)
    assert rolled_back(announcement(1, "a"), announcement(2, "b")) == (1, "a")


def test_a_rollback_ends_a_canary() -> None:
    assert rolled_back(announcement(1, "a"), announcement(2, "b", canary=0.1)) == (1, "a")
    assert rolled_back(announcement(1, "b", canary=0.1)) == (0, None)


def test_a_second_rollback_goes_further_back() -> None:
    steps = [announcement(1, "a"), announcement(2, "b"), announcement(3, "c")]
    steps.append(announcement(4, "b", back_to=2))

    assert rolled_back(*steps) == (1, "a")
    steps.append(announcement(5, "a", back_to=1))
    assert rolled_back(*steps) == (0, None)
    steps.append(announcement(6, None, back_to=0))
    with pytest.raises(UsageError, match="nothing to roll back"):
        rolled_back(*steps)


def test_a_promotion_after_a_rollback_can_be_rolled_back() -> None:
    steps = (
        announcement(1, "a"),
        announcement(2, "b"),
        announcement(3, "a", back_to=1),
        announcement(4, "c"),
    )

    assert rolled_back(*steps) == (1, "a")


def test_the_same_bundle_announced_twice_is_one_step_back() -> None:
    steps = announcement(1, "a"), announcement(2, "b", canary=0.1), announcement(3, "b")

    assert rolled_back(*steps) == (1, "a")


def test_an_empty_channel_cannot_be_rolled_back() -> None:
    with pytest.raises(UsageError, match="nothing to roll back"):
        restored(channel())


@pytest.mark.parametrize("name", ["active", "shadow-x", "shadow-2026-11"])
def test_channels_have_these_names(name: str) -> None:
    check_change(name, 1.0, WHY, force=False)


@pytest.mark.parametrize(
    "name", ["", "Active", "shadow-", "shadow--x", "other", "shadow-" + "x" * 64]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a channel is"):
        check_change(name, 1.0, WHY, force=False)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01])
def test_a_share_is_positive_and_at_most_all(share: float) -> None:
    with pytest.raises(UsageError, match="share of a canary"):
        check_change("active", share, WHY, force=False)


def test_a_shadow_has_no_canary() -> None:
    with pytest.raises(UsageError, match="no canary"):
        check_change("shadow-x", 0.5, WHY, force=False)


def test_force_needs_a_reason() -> None:
    check_change("active", 1.0, Reason("ann", ""), force=False)
    with pytest.raises(UsageError, match="--why"):
        check_change("active", 1.0, Reason("ann", " "), force=True)


def test_the_largest_channel_fits_into_a_record() -> None:
    offsets = (10**12,) * 1_024
    full = [
        announcement(number, "a" * 16, floor=offsets, since=offsets, why="w" * 500)
        for number in range(1, MAX_ANNOUNCEMENTS + 1)
    ]

    written = BUNDLE_CHANNEL.encode(channel(*full))

    assert BUNDLE_CHANNEL.decode(written) == channel(*full)


CANDIDATE = hand_bundle(report=replace(hand_report(ours=9.0), thin=()))


class Installation:
    """A promotion without Kafka: the announcements that were made, and the workers' problems."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Announcement] = []
        self.problems: list[str] = []
        monkeypatch.setattr(promotion, "announce", self._announce)
        monkeypatch.setattr(promotion, "recent_events", lambda *_, **__: [])
        monkeypatch.setattr(promotion, "read_channels", lambda _: {})
        monkeypatch.setattr(promotion, "read_deciding", lambda *_, **__: hand_bundle())
        monkeypatch.setattr(promotion, "unready_workers", lambda *_: self.problems)

    def _announce(
        self, _: object, name: str, draft: Any, *, unready: Any = lambda _: ()
    ) -> Announcement:
        done: Announcement = replace(draft(channel(name=name)), number=1, since=(0,))
        if problems := unready(done):
            raise NotReady(problems)
        self.made.append(done)
        return done


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation(monkeypatch)


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    write_bundle(CANDIDATE, tmp_path / "candidate")
    return tmp_path / "candidate"


def test_a_promotion_is_refused_and_each_failed_gate_is_named(
    installed: Installation, candidate: Path
) -> None:
    found = promote(Settings(), candidate, WHY)

    assert found.announcement is None
    assert [each.name for each in found.failed] == ["data", "cost"]
    assert not installed.made


def test_a_forced_promotion_names_the_gates_that_failed(
    installed: Installation, candidate: Path
) -> None:
    found = promote(Settings(), candidate, WHY, force=True, canary=0.05)

    (made,) = installed.made
    assert found.announcement == made
    assert (made.who, made.why, made.canary) == ("ann", "a test", 0.05)
    assert made.forced == ("data", "cost")
    assert made.bundle is not None
    assert made.bundle.location == str(candidate)


def test_a_worker_that_cannot_read_the_bundle_refuses_it_unless_forced(
    installed: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.problems = ["the worker of partition 1 (host 7): there is no bundle"]
    write_bundle(hand_bundle(), tmp_path / "own")

    monkeypatch.setattr(promotion, "gates", lambda *_: ())
    refused = promote(Settings(), tmp_path / "own", WHY)
    assert refused.announcement is None
    assert [each.name for each in refused.failed] == ["workers"]
    forced = promote(Settings(), tmp_path / "own", WHY, force=True)
    assert forced.announcement is not None
    assert [each.name for each in forced.failed] == ["workers"]


def test_an_announced_bundle_without_the_signature_is_refused(tmp_path: Path) -> None:
    write_bundle(hand_bundle(), tmp_path / "own")
    where = reference_to(tmp_path / "own", hand_bundle())
    library = Library(None, key=Ed25519PrivateKey.generate().public_key())

    assert library.get(announcement(1, where)) is None
    assert "is not signed" in (library.why_refused(announcement(1, where)) or "")


def test_an_unready_bundle_is_used_only_if_its_promotion_was_forced(candidate: Path) -> None:
    where = reference_to(candidate, CANDIDATE)

    assert Library(None).get(announcement(1, where)) is None
    assert Library(None, allow_unready=True).get(announcement(1, where)) is not None
    assert Library(None).get(announcement(1, where, forced=("cost",))) is not None
