"""The format of keyed tokens, and refusal of values that are not tokens.

``streams.hook.tokenizing`` makes tokens.
"""

from __future__ import annotations

import re

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label
from streams.errors import RecordError
from streams.wire.records import HouseholdCommand, HouseholdUpload

__all__ = ["NOT_TOKENS", "SLOT_NAME", "TOKEN", "check_tokens"]

#: A key's id and a keyed hash in hexadecimal: ``k1_5f0c``. SHA-256 has 64 digits; some data sets
#: shorten it, so two are enough.
TOKEN = re.compile(r"[a-z][a-z0-9]{0,15}_[0-9a-f]{2,64}")
#: Slot names come from the assistant's skills, such as ``party_size``. A sentence does not match.
SLOT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
#: Code of the refusal. Dead letters do not repeat such a record: it may contain spoken words.
NOT_TOKENS = "not_tokens"


def check_tokens(
    value: IntentEvent | Outcome | ConfirmationAnswer | HouseholdCommand | HouseholdUpload | Label,
    *,
    ids: bool,
) -> None:
    """Refuse a value with slots that are not tokens.

    Args:
        value: the decoded value.
        ids: require tokens for the ids of household, device and speaker as well.

    Raises:
        RecordError: with code ``not_tokens``; it names the fields and does not quote them.
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
            f"{', '.join(wrong)}: not a token of the form KEY_HEX, such as k1_5f0c;"
            " send keyed tokens instead of spoken values and ids (streams.hook.Tokens)",
        )
