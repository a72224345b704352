"""Names that the modules of this integration share."""

from __future__ import annotations

import logging
from typing import Final

DOMAIN: Final = "misfire"
LOGGER = logging.getLogger(__package__)

#: Fields of the entry's data: how decisions are made.
CONF_MODE: Final = "mode"
EMBEDDED: Final = "embedded"
GATEWAY: Final = "gateway"
CONF_KEYRING: Final = "keyring"
CONF_PROOF_KEY: Final = "proof_key"

#: Fields of the entry's options: what is asked about, and how.
CONF_CLASSES: Final = "classes"
CONF_PHONES: Final = "phones"
CONF_PIN: Final = "pin"
CONF_CHALLENGE: Final = "challenge"
CONF_SPOKEN: Final = "spoken"

#: The household of this instance. Each instance has a key of its own, so its token differs.
HOUSEHOLD: Final = "home"
#: The folder of keys and history in the configuration directory.
FOLDER: Final = "misfire"
#: The file of the household's keys in that folder, unless the entry names another one.
KEYRING_FILE: Final = "keys.json"
#: Sent after each decision and each answer.
SIGNAL: Final = f"{DOMAIN}_decision"
#: The beginnings of the actions of a phone's notification; the confirmation's id follows.
YES, NO = "MISFIRE_YES_", "MISFIRE_NO_"
