"""Replaces slot values and ids by keyed tokens before anything leaves the runtime.

A token is an HMAC-SHA-256 (RFC 2104, truncated as in its section 5) under a key of the tenant,
prefixed with the key's id. The model compares tokens only within a household, so each token is
salted with its household: the same word gives different tokens in two households and under two
slot names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from detector.contracts.events import IntentEvent, Outcome, session_of
from streams.errors import DependencyUnavailable, UsageError
from streams.files.household_secrets import HouseholdSecrets, SecretUnavailable
from streams.files.keyring import Key, Keyring

__all__ = ["Tokens"]

#: Hexadecimal digits. Ids must be unique within a tenant: 128 bits. A slot's token is compared with
#: a few dozen others of one household, whose state stores them: 64 bits.
_ID_DIGITS, _SLOT_DIGITS = 32, 16
#: Bytes of a household's secret: 128 bits, the minimum that resists guessing.
_FEWEST_BYTES = 16
#: Size of the map from tokens to the runtime's own household ids; the oldest are dropped.
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class _Home:
    """The salt of a household's tokens: its own token, and its secret if it has one."""

    token: str
    secret: bytes


class Tokens:
    """Replaces slot values and ids by tokens. Tokens of the same keys are left unchanged.

    Args:
        keyring: the tenant's keys.
        secrets: an additional secret for each household. Once a secret is deleted, the household's
            tokens cannot be computed again. Adding secrets later changes the tokens of known
            households, which then start without a history.
    """

    def __init__(self, keyring: Keyring, secrets: HouseholdSecrets | None = None) -> None:
        self.keyring = keyring
        self._secrets = secrets
        #: Token to household id: a decision names its household by the token, and a confirmation
        #: needs its secret. Threads share the map, so it is used with atomic operations only.
        self._households: dict[str, str] = {}
        ids = "|".join(re.escape(key.id) for key in (keyring.household, *keyring.keys))
        self._own = re.compile(
            rf"(?:{ids})_(?:[0-9a-f]{{{_SLOT_DIGITS}}}|[0-9a-f]{{{_ID_DIGITS}}})"
        )

    @property
    def may_block(self) -> bool:
        """Whether tokens need a store of secrets, which may block."""
        return self._secrets is not None

    def can_replace_slots(self, household_id: str) -> bool:
        """Return whether slots can be replaced for an id or token.

        With secrets, a token is known only to the process that computed it.
        """
        known = self._households.get(household_id, household_id)
        return self._secrets is None or not self._own.fullmatch(known)

    def household(self, household_id: str) -> str:
        """Return a household's token; only the keyring and the secret can link it to the id."""
        return self._home(household_id).token

    def device(self, household_id: str, device_id: str, time: datetime) -> str:
        """Return a device's token in its household."""
        return self._inside(self._home(household_id), time, _ID_DIGITS, "device", device_id)

    def speaker(self, household_id: str, speaker_id: str, time: datetime) -> str:
        """Return a speaker's token in the household."""
        return self._inside(self._home(household_id), time, _ID_DIGITS, "speaker", speaker_id)

    def slots(self, household_id: str, said: Mapping[str, str], time: datetime) -> dict[str, str]:
        """Return slot values as tokens; case, spaces and Unicode composition are ignored."""
        return self._slots(self._home(household_id), said, time)

    def event(self, event: IntentEvent) -> IntentEvent:
        """Return the event with its household, device, speaker and slot values as tokens."""
        home, time = self._home(event.household_id), event.time
        return replace(
            event,
            household_id=home.token,
            device_id=self._inside(home, time, _ID_DIGITS, "device", event.device_id),
            # A session id derived from the device's id is derived again from its token.
            session_id="" if event.session_id == session_of(event.device_id) else event.session_id,
            speaker_id=event.speaker_id
            and self._inside(home, time, _ID_DIGITS, "speaker", event.speaker_id),
            slots=self._slots(home, event.slots, time),
        )

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome with its household's token."""
        return replace(outcome, household_id=self.household(outcome.household_id))

    def _home(self, household_id: str) -> _Home:
        if self._secrets is None:
            return _Home(self._of_household(household_id, b""), b"")
        known = self._households.get(household_id, household_id)
        if self._own.fullmatch(known):
            return _Home(known, b"")
        try:
            secret: object = self._secrets.secret(known)
        except Exception as error:
            # A custom store may raise anything, with the household's id in the message.
            said = (
                str(error)
                if isinstance(error, DependencyUnavailable | UsageError)
                else type(error).__name__
            )
            raise SecretUnavailable(f"a household's secret is not available: {said}") from error
        if not isinstance(secret, bytes) or len(secret) < _FEWEST_BYTES:
            raise SecretUnavailable(
                f"a household's secret is not usable: it has fewer than {_FEWEST_BYTES} bytes"
            )
        token = self._of_household(known, secret)
        self._households[token] = known
        if len(self._households) > _REMEMBERED:
            with suppress(RuntimeError, StopIteration):  # another thread is changing it
                self._households.pop(next(iter(self._households)), None)
        return _Home(token, secret)

    def _of_household(self, household_id: str, secret: bytes) -> str:
        return self._token(
            self.keyring.household, _ID_DIGITS, "household", household_id, _Home("", secret)
        )

    def _slots(self, home: _Home, said: Mapping[str, str], time: datetime) -> dict[str, str]:
        return {
            name: self._inside(home, time, _SLOT_DIGITS, f"slot {name}", _plain(value))
            for name, value in said.items()
        }

    def _inside(self, home: _Home, time: datetime, digits: int, kind: str, value: str) -> str:
        return self._token(self.keyring.key_for(home.token, time), digits, kind, value, home)

    def _token(self, key: Key, digits: int, kind: str, value: str, home: _Home) -> str:
        if self._own.fullmatch(value):
            return value
        # JSON delimits the parts: different lists of parts never give the same message.
        message = json.dumps([self.keyring.tenant, home.token, kind, value]).encode()
        digest = hmac.new(
            bytes.fromhex(key.secret) + home.secret, message, hashlib.sha256
        ).hexdigest()
        return f"{key.id}_{digest[:digits]}"


def _plain(said: str) -> str:
    """Return a normal form: Unicode NFKC, case-folded, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", said).casefold().split())
