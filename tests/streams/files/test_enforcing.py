from __future__ import annotations

import logging
from pathlib import Path

import pytest

from detector.contracts.errors import UnreadyBundle
from streams.files.bundles import write_bundle
from streams.files.enforcing import read_enforcing
from streams.hook import EmbeddedHook
from tests.commands import misfire
from tests.detector.builders import hand_bundle, hand_report, policy

UNREADY = hand_bundle(report=hand_report(ours=5.0))
SENTENCE = (
    f"bundle {UNREADY.version} is not ready to enforce: 1,000 commands cost 5.0 by its decisions, "
    "but 2.0 by the rule 'always allow' and 3.0 by the rule 'ask about every harmful command'"
)


@pytest.fixture
def unready(tmp_path: Path) -> Path:
    write_bundle(UNREADY, tmp_path / "unready")
    return tmp_path / "unready"


def test_a_bundle_that_costs_more_than_no_model_is_refused(unready: Path) -> None:
    with pytest.raises(UnreadyBundle) as caught:
        read_enforcing(unready)
    assert str(caught.value).startswith(SENTENCE)
    assert "--shadow-bundle" in str(caught.value)


def test_it_decides_if_that_is_allowed_and_this_is_logged(
    unready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read_enforcing(unready, allow_unready=True).version == UNREADY.version
    assert caplog.messages == [f"{SENTENCE}; it decides because allow_unready is set"]


def test_a_ready_bundle_and_one_that_only_observes_are_accepted(tmp_path: Path) -> None:
    observing = hand_bundle(rules=policy(enforcement='"shadow"'), report=hand_report(ours=5.0))
    for bundle in (hand_bundle(report=hand_report(ours=2.0)), observing):
        write_bundle(bundle, tmp_path / "bundle")
        assert read_enforcing(tmp_path / "bundle").version == bundle.version


def test_an_embedded_hook_refuses_it_unless_allowed(unready: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadyBundle, match="not ready to enforce"):
        EmbeddedHook(tmp_path / "home.db", bundle=unready)
    EmbeddedHook(tmp_path / "home.db", bundle=unready, allow_unready=True).close()


@pytest.mark.parametrize("part", ["worker", "gateway"])
def test_no_process_starts_with_an_unready_bundle(part: str, unready: Path) -> None:
    done = misfire(part, "--bundle", unready, "--port", 0, "--broker", "127.0.0.1:1")
    assert done.returncode == 3
    assert SENTENCE in done.stderr
    assert "Traceback" not in done.stderr
