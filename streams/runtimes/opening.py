"""Opens the hook that a runtime's configuration names. Adapters that run as plugins use it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from streams.errors import UsageError
from streams.files.keyring import new_keyring, read_keyring, write_keyring
from streams.hook import Hook, Tokens
from streams.hook.calls import warn
from streams.hook.interface import AskingHook

__all__ = ["Opened", "open_hook"]

#: The hooks' own default.
DEADLINE_MS = 150


@dataclass(frozen=True, slots=True)
class Opened:
    """An open hook, and the key for proofs of a PIN if there is one."""

    hook: AskingHook
    proof_key: bytes | None = field(repr=False)


def open_hook(settings: Mapping[str, Any]) -> Opened:
    """Return the hook that the settings name. It never raises: hosts ignore a plugin that does.

    If the hook cannot be opened, one that always fails replaces it, so that the policy decides.

    Args:
        settings: ``url``, the gateway, with ``keyring``, ``token_file`` and ``key_file`` (the key
            for proofs). Without ``url``: ``file``, the household file of the embedded hook, and
            ``keyring``; both are made if they do not exist. ``deadline_ms`` for both.
    """
    try:
        return _gateway(settings) if settings.get("url") else _embedded(settings)
    except Exception as error:  # noqa: BLE001 - the host ignores a plugin that raises
        warn("the hook cannot be opened (%s: %s); the policy decides", type(error).__name__, error)
        return Opened(_Failing(str(error)), None)


def _gateway(settings: Mapping[str, Any]) -> Opened:
    if not settings.get("keyring"):
        raise UsageError("set keyring: 'misfire keys new FILE' makes one")
    token_file, key_file = settings.get("token_file"), settings.get("key_file")
    hook = Hook(
        str(settings["url"]),
        deadline_ms=int(settings.get("deadline_ms") or DEADLINE_MS),
        token=Path(token_file).read_text("utf-8").strip() if token_file else None,
        tokens=Tokens(read_keyring(Path(settings["keyring"]))),
    )
    return Opened(hook, Path(key_file).read_bytes().strip() if key_file else None)


def _embedded(settings: Mapping[str, Any]) -> Opened:
    from streams.hook import EmbeddedHook  # noqa: PLC0415 - it loads the model

    file = Path(settings.get("file") or _data_home() / "home.sqlite").expanduser()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = Path(settings.get("keyring") or file.with_suffix(".keys.json")).expanduser()
    if not keyring.exists():
        write_keyring(keyring, new_keyring("home", datetime.now(UTC)))
    # The same process asks and checks, so a key of this process is enough.
    key = os.urandom(32)
    hook = EmbeddedHook(
        file,
        deadline_ms=int(settings.get("deadline_ms") or DEADLINE_MS),
        tokens=Tokens(read_keyring(keyring)),
        confirmation_key=key,
    )
    return Opened(hook, key)


def _data_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "misfire"


class _Failing:
    """A hook that could not be opened."""

    def __init__(self, why: str) -> None:
        self._why = why

    def decide(self, *_: object, **__: object) -> NoReturn:
        """Raise, so that the gate applies the policy."""
        raise UsageError(self._why)

    confirm = report = decide
