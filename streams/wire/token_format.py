"""What a keyed token looks like, in one place, and the refusal of everything else. Who makes them: ``streams.hook.tokenizing``."""

from __future__ import annotations

import re

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.events import IntentEvent, Outcome
from streams.errors import RecordError
from streams.wire.records import HouseholdCommand

__all__ = ["NOT_TOKENS", "SLOT_NAME", "TOKEN", "check_tokens"]

#: A key's id and a keyed hash in hexadecimal: ``k1_5f0c``. SHA-256 has 64 digits; data sets cut it, so two are enough.
TOKEN = re.compile(r"[a-z][a-z0-9]{0,15}_[0-9a-f]{2,64}")
#: Names of slots come from the assistant's skills, as ``party_size``; a sentence is none.
SLOT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
#: The code of the refusal. Such a record may hold what somebody said: no dead letter repeats it.
NOT_TOKENS = "not_tokens"


def check_tokens(
    value: IntentEvent | Outcome | ConfirmationAnswer | HouseholdCommand, *, ids: bool
) -> None:
    """Refuse a value that carries anything but tokens.

    Args:
        value: what was read.
        ids: whether the ids of household, device and speaker have to be tokens, too.

    Raises:
        RecordError: with code ``not_tokens``; it names the fields and repeats nothing of them.
    """
    wrong = []
    if isinstance(value, ConfirmationAnswer) and value.heard is not None:
        check_tokens(value.heard, ids=ids)
    if isinstance(value, IntentEvent | ConfirmationAnswer):
        wrong += [] if all(map(SLOT_NAME.fullmatch, value.slots)) else ["slots (a name)"]
        wrong += [] if all(map(TOKEN.fullmatch, value.slots.values())) else ["slots (a value)"]
    if ids:
        names = ("household_id", "device_id", "speaker_id")
        found = {name: getattr(value, name, None) for name in names}
        wrong += [
            name
            for name, token in found.items()
            if token is not None and not TOKEN.fullmatch(token)
        ]
    if wrong:
        raise RecordError(
            NOT_TOKENS,
            f"{', '.join(wrong)}: not of a token's form KEY_HEX, as k1_5f0c; replace what was said, and ids, by keyed tokens before "
            "they leave the runtime (streams.hook.Tokens)",
        )
