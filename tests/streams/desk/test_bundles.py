from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detector.evaluation.gates import Gate
from streams.desk import bundle_pages
from streams.errors import DependencyUnavailable, UsageError
from streams.files.bundles import write_bundle
from streams.lifecycle.promotion import Gated
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import (
    AccessFile,
    Scope,
    new_token,
    with_token,
    write_access,
)
from streams.wire.announcements import Announcement, BundleReference, Channel
from tests.detector.builders import hand_bundle
from tests.streams.desk.desk import Desk, desk_of_every_tenant

ANNOUNCED = Announcement(
    number=3,
    bundle=BundleReference(version="v-next", location="/bundles/next", sha256="0" * 64),
    canary=0.05,
    who="alice",
    why="new skills",
    time=datetime(2026, 1, 5, tzinfo=UTC),
    forced=("drift",),
)
FAILED = Gate("budget", False, "3.0 % are interrupted")


class Lifecycle:
    """The functions of ``streams.lifecycle``, which would need a broker."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.gates: tuple[Gate, ...] = (
            Gate("data", True, "enough"),
            Gate("golden", None, "none is set"),
        )

    def channels(self, _: Any) -> list[Channel]:
        return [Channel(channel="active", announcements=(ANNOUNCED,), numbered=3)]

    def examine(self, *_: Any) -> tuple[Gate, ...]:
        return self.gates

    def promote(self, _: Any, directory: Path, reason: Any, **more: Any) -> Gated:
        self.asked.append(("promote", (directory, reason.who, reason.why, more)))
        failed = any(gate.passed is False for gate in self.gates) and not more["force"]
        return Gated(self.gates, None if failed else ANNOUNCED)

    def roll_back(self, _: Any, reason: Any, *, channel: str) -> Announcement | None:
        if not reason.why:
            raise UsageError("a reason is required")
        self.asked.append(("roll back", (channel, reason.who, reason.why)))
        return ANNOUNCED if channel == "active" else None


@pytest.fixture
def lifecycle(monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    found = Lifecycle()
    for name in ("channels", "examine", "promote", "roll_back"):
        monkeypatch.setattr(bundle_pages, name, getattr(found, name))
    return found


@pytest.fixture
def desk(lifecycle: Lifecycle) -> Desk:  # noqa: ARG001 - replaces the functions
    return desk_of_every_tenant()


def post(desk: Desk, path: str, **form: str) -> Any:
    return desk.client.post(f"/desk/bundles/{path}", data={"csrf": desk.csrf(), **form})


def test_channels_and_decisions_are_side_by_side(desk: Desk) -> None:
    text = " ".join(desk.client.get("/desk/bundles").text.split())

    for shown in ("v-next", "/bundles/next", "5.00%", "alice", "new skills", "drift"):
        assert shown in text
    assert '<td class="number">6, 66.67% interrupted</td>' in text


def test_a_promotion_and_a_rollback_have_a_reason_and_an_author(
    desk: Desk, lifecycle: Lifecycle
) -> None:
    assert post(desk, "promote", directory="/b", why="a reason", canary="5%").status_code == 200
    assert post(desk, "rollback", channel="active", why="too many").status_code == 200
    assert post(desk, "rollback", channel="shadow-a", why="done").status_code == 200
    assert post(desk, "rollback", channel="active").status_code == 422

    (_, (directory, who, why, more)), *rollbacks = lifecycle.asked
    assert (directory, why) == (Path("/b"), "a reason")
    assert (more["canary"], more["force"]) == (0.05, False)
    assert [asked for _, asked in rollbacks] == [
        ("active", who, "too many"),
        ("shadow-a", who, "done"),
    ]


def test_a_failed_gate_is_named_and_can_be_forced(desk: Desk, lifecycle: Lifecycle) -> None:
    lifecycle.gates = (*lifecycle.gates, FAILED)

    refused = post(desk, "promote", directory="/b", why="now")
    assert refused.status_code == 422
    assert FAILED.text in refused.text
    assert post(desk, "promote", directory="/b", why="now", force="on").status_code == 200


def test_gates_are_checked_without_a_promotion(
    desk: Desk, lifecycle: Lifecycle, tmp_path: Path
) -> None:
    write_bundle(hand_bundle(), tmp_path / "b")

    checked = post(desk, "gates", directory=str(tmp_path / "b"))

    assert checked.status_code == 200
    assert "none is set" in checked.text
    assert not lifecycle.asked
    assert post(desk, "gates", directory=str(tmp_path / "missing")).status_code in {422, 503}


def test_the_token_of_one_tenant_only_looks(
    tmp_path: Path, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, kept = new_token("acme", frozenset(Scope), 1000)
    write_access(tmp_path / "access.json", with_token(AccessFile(), kept, "acme"))
    desk = Desk(Guard(tmp_path / "access.json"))
    desk.log_in(sent)

    assert "Promote" not in desk.client.get("/desk/bundles").text
    for path in ("gates", "promote", "rollback"):
        assert post(desk, path, directory="/b", why="now").status_code == 403
    assert not lifecycle.asked

    def unavailable(_: Any) -> list[Channel]:
        raise DependencyUnavailable("topic misfire.bundles is missing")

    monkeypatch.setattr(bundle_pages, "channels", unavailable)
    assert "misfire.bundles is missing" in desk.client.get("/desk/bundles").text


def test_a_canary_that_is_no_percentage_is_refused(desk: Desk) -> None:
    assert post(desk, "promote", directory="/b", why="now", canary="many").status_code == 422
