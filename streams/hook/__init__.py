"""The blocking hook: ask before a command runs.

A runtime needs ``Hook`` (or ``AsyncHook``), and ``Tokens`` with its keyring, and nothing else of this package.
"""

from streams.hook.asking import RejectedEvent
from streams.hook.client import AsyncHook, Hook
from streams.hook.guarding import NotMeant
from streams.hook.household_secrets import HouseholdSecrets, SecretsFile
from streams.hook.keyring import read_keyring
from streams.hook.tokens import Tokens

__all__ = [
    "AsyncHook",
    "Hook",
    "HouseholdSecrets",
    "NotMeant",
    "RejectedEvent",
    "SecretsFile",
    "Tokens",
    "read_keyring",
]
