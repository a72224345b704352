"""Opens the hook of an entry: embedded in Home Assistant, or a gateway. It blocks on files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util

from .const import (
    CONF_CHALLENGE,
    CONF_KEYRING,
    CONF_MODE,
    CONF_PHONES,
    CONF_PIN,
    CONF_PROOF_KEY,
    CONF_SPOKEN,
    GATEWAY,
    HOUSEHOLD,
    KEYRING_FILE,
)

if TYPE_CHECKING:
    from detector.policy.policy import Policy
    from streams.hook import EmbeddedHook, Hook
    from streams.runtimes import Gate

__all__ = ["Opened", "open_gate"]

#: Milliseconds for a gateway in the network, and for a slow card of a small computer.
DEADLINE_MS = 250


class Opened:
    """A gate, its hook, and the policy that classifies its commands.

    ``proves`` says whether there is a key for proofs, which phones and PINs need.
    """

    def __init__(
        self, gate: Gate, hook: EmbeddedHook | Hook, policy: Policy, *, proves: bool
    ) -> None:
        self.gate, self.hook, self.policy, self.proves = gate, hook, policy, proves


def open_gate(folder: Path, data: Mapping[str, Any], options: Mapping[str, Any]) -> Opened:
    """Open an entry's hook, with the keys and the history in a folder.

    Raises:
        ImportError: misfire's packages, or a package that they need, cannot be imported.
        DependencyUnavailable, UsageError: the keys cannot be read or written.
    """
    from streams.files.policy import read_policy
    from streams.hook import ConfirmMethod, EmbeddedHook, Hook, Tokens
    from streams.runtimes import Gate

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tokens = Tokens(_keyring(Path(data.get(CONF_KEYRING) or folder / KEYRING_FILE)))
    hook: EmbeddedHook | Hook
    if data[CONF_MODE] == GATEWAY:
        key = str(data.get(CONF_PROOF_KEY) or "").encode()
        hook = Hook(
            data["url"], token=data.get("token") or None, tokens=tokens, deadline_ms=DEADLINE_MS
        )
    else:
        key = _proof_key(folder / "proof.key")
        hook = EmbeddedHook(
            folder / "household.sqlite",
            tokens=tokens,
            confirmation_key=key,
            deadline_ms=DEADLINE_MS,
            now=lambda: dt_util.utcnow().timestamp(),
        )
    asked = {
        ConfirmMethod.PHONE_PUSH: options.get(CONF_PHONES),
        ConfirmMethod.CHALLENGE: options.get(CONF_CHALLENGE),
        ConfirmMethod.SPOKEN: options.get(CONF_SPOKEN),
    }
    gate = Gate(
        hook,
        household=HOUSEHOLD,
        runtime="home-assistant",
        methods=tuple(method for method, wanted in asked.items() if wanted),
        pin=str(options.get(CONF_PIN) or ""),
        proof_key=key or None,
        # Habits have the local hours of the home.
        now=dt_util.now,
    )
    return Opened(gate, hook, read_policy(), proves=bool(key))


def _keyring(path: Path) -> Any:
    from streams.files.keyring import new_keyring, read_keyring, write_keyring

    if not path.exists():
        write_keyring(path, new_keyring("home", datetime.now(UTC)))
    return read_keyring(path)


def _proof_key(path: Path) -> bytes:
    """Return the key with which this process proves to itself that a phone or PIN confirmed."""
    if not path.exists():
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        draft.replace(path)
    return path.read_bytes()
