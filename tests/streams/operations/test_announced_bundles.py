from __future__ import annotations

from streams.operations.announced_bundles import judge
from streams.wire.announcements import InUse
from tests.streams.lifecycle.announcements import announcement, channel

LATEST = channel(announcement(1, "a"), announcement(2, "b"))


def used(number: int, bundle: str, **fields: object) -> InUse:
    defaults: dict[str, object] = {"worker": "host 7", "refused": {}}
    return InUse(announcement=number, bundle=bundle, **(defaults | fields))  # type: ignore[arg-type]


def test_one_bundle_everywhere_is_healthy() -> None:
    found = judge(LATEST, [0, 1], {0: used(2, "b"), 1: used(2, "b")})

    assert found.ok
    assert "announcement 2 (bundle b, by ann)" in found.text


def test_a_worker_that_keeps_the_old_bundle_is_named_with_its_reason() -> None:
    refusing = used(1, "a", refused={"2": "there is no bundle in /bundles/b"})

    found = judge(LATEST, [0, 1], {0: used(2, "b"), 1: refusing})

    assert not found.ok
    assert "partition 1 uses a (host 7): there is no bundle in /bundles/b" in found.text


def test_a_worker_behind_and_one_that_is_silent_are_named() -> None:
    found = judge(LATEST, [0, 1], {0: used(1, "a")})

    assert "partition 0 uses a of announcement 1 (host 7)" in found.text
    assert "partition 1 does not say" in found.text


def test_an_unfinished_announcement_is_wrong() -> None:
    assert not judge(channel(announcement(1, "a", since=None)), [0], {0: used(0, "x")}).ok


def test_own_bundles_must_be_the_same() -> None:
    own = channel(announcement(1, None))

    assert judge(own, [0, 1], {0: used(1, "x"), 1: used(1, "x")}).ok
    assert not judge(own, [0, 1], {0: used(1, "x"), 1: used(1, "y")}).ok
