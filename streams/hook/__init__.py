"""The client library: ask for a decision before a command runs. Only its public names live here.

A runtime needs ``Hook`` or ``AsyncHook``, the values that they accept and return, and ``Tokens``
with its keyring. Importing this package registers no metrics, leaves the process unchanged, and
loads no part of the model. ``EmbeddedHook`` and ``AsyncEmbeddedHook`` decide in the runtime's own
process; the model is loaded at the first use of these names (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from detector.contracts.confirmations import ConfirmationResult, Refusal, Result
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.errors import InvalidValue
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from streams.files.household_secrets import HouseholdSecrets, SecretsFile
from streams.files.keyring import read_keyring
from streams.hook.blocking import Hook
from streams.hook.calls import Call
from streams.hook.client import AsyncHook
from streams.hook.command_guard import CommandNotAllowed
from streams.hook.interface import AsyncCommandHook, CommandHook
from streams.hook.rejecting import RejectedEvent
from streams.hook.tokenizing import Tokens

if TYPE_CHECKING:
    from streams.embedded import AsyncEmbeddedHook, EmbeddedHook

__all__ = [
    "Act",
    "AsyncCommandHook",
    "AsyncEmbeddedHook",
    "AsyncHook",
    "Call",
    "CommandHook",
    "CommandNotAllowed",
    "ConfirmMethod",
    "ConfirmationResult",
    "Decision",
    "EmbeddedHook",
    "Hook",
    "HouseholdSecrets",
    "IntentEvent",
    "InvalidValue",
    "Outcome",
    "OutcomeKind",
    "OutcomeSource",
    "Refusal",
    "RejectedEvent",
    "Result",
    "SecretsFile",
    "Tokens",
    "Verdict",
    "read_keyring",
]


def __getattr__(name: str) -> Any:
    if name not in ("AsyncEmbeddedHook", "EmbeddedHook"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("streams.embedded"), name)
