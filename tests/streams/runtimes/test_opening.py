"""Opening the hook that a plugin's configuration names: it never raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.hook import EmbeddedHook, Hook
from streams.runtimes import Action, Gate, Heard
from streams.runtimes.opening import open_hook


def test_without_a_url_the_household_is_a_file_and_its_key_is_beside_it(tmp_path: Path) -> None:
    opened = open_hook({"file": str(tmp_path / "new" / "home.sqlite")})

    assert isinstance(opened.hook, EmbeddedHook)
    assert opened.proof_key
    assert (tmp_path / "new" / "home.keys.json").stat().st_mode & 0o077 == 0
    ruling = Gate(opened.hook).check(Heard(intent="lights.TurnOn", slots={"room": "attic"}))
    opened.hook.close()
    assert ruling.event.slots == {"room": "attic"}
    assert not ruling.decision.degraded


def test_the_default_file_is_in_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    open_hook({})

    assert (tmp_path / "misfire" / "home.keys.json").exists()


def test_with_a_url_a_gateway_decides(tmp_path: Path) -> None:
    open_hook({"file": str(tmp_path / "home.sqlite")})  # makes a keyring
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "key").write_text("key\n")

    opened = open_hook(
        {
            "url": "http://127.0.0.1:8750",
            "keyring": tmp_path / "home.keys.json",
            "token_file": tmp_path / "token",
            "key_file": tmp_path / "key",
        }
    )

    assert isinstance(opened.hook, Hook)
    assert opened.proof_key == b"key"


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://127.0.0.1:8750"},
        {"url": "nonsense", "keyring": "/nowhere"},
        {"file": "/proc/nowhere/home.sqlite"},
        {"file": 7},
    ],
)
def test_if_it_cannot_be_opened_the_policy_decides(settings: dict[str, Any]) -> None:
    gate = Gate(open_hook(settings).hook)

    assert gate.check(Heard(intent="lights.TurnOn")).action is Action.RUN
    assert gate.check(Heard(intent="lock.HassTurnOff")).action is Action.REFUSE
