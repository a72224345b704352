from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from detector.evaluation.gates import Gate
from streams.cli import bundle as command
from streams.cli.bundle_channels import _share
from streams.errors import UsageError
from streams.files.bundles import write_bundle
from streams.lifecycle import promotion, rollback
from streams.lifecycle.channel_changes import Reason
from streams.lifecycle.promotion import Gated
from tests.detector.builders import hand_bundle
from tests.detector.decision.test_carrying import OTHER
from tests.streams.lifecycle.announcements import announcement, channel

DONE = announcement(2, "b" * 16, canary=0.05, forced=("cost",))


def run(*arguments: object) -> Any:
    return CliRunner().invoke(command.app, [*map(str, arguments), "--json", "-"])


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), (" 100 % ", 1.0)])
def test_a_share_is_written_in_percent_or_as_a_fraction(text: str, share: float) -> None:
    assert _share(text) == pytest.approx(share)


def test_another_share_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="such as 5%"):
        _share("five")


def test_check_says_what_becomes_of_the_states(tmp_path: Path) -> None:
    write_bundle(hand_bundle(), tmp_path / "active")
    write_bundle(OTHER, tmp_path / "candidate")

    other = json.loads(
        run("check", tmp_path / "candidate", "--against", tmp_path / "active").stdout
    )
    same = json.loads(run("check", tmp_path / "active", "--against", tmp_path / "active").stdout)

    assert not other["states"]["kept"]
    assert ["shopping.FindItem", "initiate"] in other["states"]["learned"]
    assert same["states"] == {"kept": True, "lost": [], "learned": [], "reclassified": []}


def test_promote_prints_each_gate_and_fails_if_one_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def promote(_: object, directory: Path, reason: Reason, **options: Any) -> Gated:
        asked.append((directory, reason, options["canary"], options["channel"]))
        return results.pop()

    monkeypatch.setattr(promotion, "promote", promote)
    refused = Gated((Gate("cost", False, "a rule costs less"),), None)
    results = [refused, Gated((), DONE)]

    done = run("promote", tmp_path, "--canary", "5%", "--why", "skills", "--by", "ann")
    failed = run("promote", tmp_path, "--by", "ann")

    assert (done.exit_code, failed.exit_code) == (0, 1)
    assert asked[0] == (tmp_path, Reason("ann", "skills"), 0.05, "active")
    assert json.loads(done.stdout)["announcement"]["number"] == 2
    assert json.loads(failed.stdout) == {
        "promoted": False,
        "gates": [{"name": "cost", "passed": False, "text": "a rule costs less"}],
        "announcement": None,
    }


def test_rollback_and_channels_print_announcements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "roll_back", lambda *_, **__: DONE)
    monkeypatch.setattr(promotion, "channels", lambda _: [channel(announcement(1, None), DONE)])

    rolled = json.loads(run("rollback", "--why", "too many questions").stdout)
    (listed,) = json.loads(run("channels").stdout)["channels"]

    assert rolled["announcement"]["canary"] == 0.05
    assert [each["number"] for each in listed["announcements"]] == [1, 2]
