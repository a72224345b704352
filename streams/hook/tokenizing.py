"""The edge: what was said, and whose it is, becomes keyed tokens before anything leaves the runtime.

A token is HMAC-SHA-256 (RFC 2104, cut as its section 5 allows) under a key of the tenant's, with the key's id in front. Everything
that the model compares, it compares within one household; so every token is salted by its household, and one word gives
different tokens in two households and under two slot names.
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

#: Hexadecimal digits. An id must be unique among all of a tenant's: 128 bits. A slot's token is compared with a household's few
#: dozens, and its state keeps them: 64 bits.
_ID_DIGITS, _SLOT_DIGITS = 32, 16
#: Bytes of a household's secret: 128 bits, the least that is not guessed.
_FEWEST_BYTES = 16
#: Households of which the runtime's own id is remembered by their token; beyond it the first are forgotten.
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class _Home:
    """What a household's tokens are salted with: its own token, and its secret where there is one."""

    token: str
    secret: bytes


class Tokens:
    """Replaces what was said, and ids, by tokens. A token of the same keys stays as it is, so that replacing twice does no harm.

    Args:
        keyring: the tenant's keys.
        secrets: a secret for each household besides; thrown away, its tokens cannot be made again. A household that has tokens already
            gets other ones with it, and begins without a history.
    """

    def __init__(self, keyring: Keyring, secrets: HouseholdSecrets | None = None) -> None:
        self.keyring = keyring
        self._secrets = secrets
        #: A decision names its household by the token; what is confirmed is replaced with the secret of that household.
        #: Threads share it, and so only by steps that none can interrupt.
        self._households: dict[str, str] = {}
        ids = "|".join(re.escape(key.id) for key in (keyring.household, *keyring.keys))
        self._own = re.compile(
            rf"(?:{ids})_(?:[0-9a-f]{{{_SLOT_DIGITS}}}|[0-9a-f]{{{_ID_DIGITS}}})"
        )

    @property
    def may_block(self) -> bool:
        """Whether a store of secrets is asked, which may take its time."""
        return self._secrets is not None

    def can_tell(self, household_id: str) -> bool:
        """Return whether slots can be replaced for an id: not for a token of a household with a secret that was met elsewhere."""
        known = self._households.get(household_id, household_id)
        return self._secrets is None or not self._own.fullmatch(known)

    def household(self, household_id: str) -> str:
        """Return a household's token. Only who has the keyring, and its secret where there are any, can tell which household that is."""
        return self._home(household_id).token

    def device(self, household_id: str, device_id: str, time: datetime) -> str:
        """Return a device's token in its household."""
        return self._inside(self._home(household_id), time, _ID_DIGITS, "device", device_id)

    def speaker(self, household_id: str, speaker_id: str, time: datetime) -> str:
        """Return a speaker's token in the household."""
        return self._inside(self._home(household_id), time, _ID_DIGITS, "speaker", speaker_id)

    def slots(self, household_id: str, said: Mapping[str, str], time: datetime) -> dict[str, str]:
        """Return the tokens of spoken values, by slot name. Case, spaces and the way that letters are composed make no difference."""
        return self._slots(self._home(household_id), said, time)

    def event(self, event: IntentEvent) -> IntentEvent:
        """Return the event with tokens in place of its household, device, speaker and slot values."""
        home, time = self._home(event.household_id), event.time
        return replace(
            event,
            household_id=home.token,
            device_id=self._inside(home, time, _ID_DIGITS, "device", event.device_id),
            # One that was made of the device's id is made of its token instead.
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
            # A store of the runtime's own fails as it likes, and may say whose secret it was asked for.
            said = (
                str(error)
                if isinstance(error, DependencyUnavailable | UsageError)
                else type(error).__name__
            )
            raise SecretUnavailable(f"a household's secret cannot be had: {said}") from error
        if not isinstance(secret, bytes) or len(secret) < _FEWEST_BYTES:
            raise SecretUnavailable(
                f"a household's secret cannot be had: it is not of {_FEWEST_BYTES} bytes or more"
            )
        token = self._of_household(known, secret)
        self._households[token] = known
        if len(self._households) > _REMEMBERED:
            with suppress(RuntimeError, StopIteration):  # another thread is at it
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
        # JSON keeps the parts apart: no two lists of parts give the same message.
        message = json.dumps([self.keyring.tenant, home.token, kind, value]).encode()
        digest = hmac.new(
            bytes.fromhex(key.secret) + home.secret, message, hashlib.sha256
        ).hexdigest()
        return f"{key.id}_{digest[:digits]}"


def _plain(said: str) -> str:
    """The form in which two ways to write the same words are the same (Unicode's NFKC and case folding)."""
    return " ".join(unicodedata.normalize("NFKC", said).casefold().split())
