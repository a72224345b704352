"""The contract of adapters, as a test that any adapter can run. Only its public names live here."""

from streams.runtimes.contract.promises import PROMISES, Broken, Promise
from streams.runtimes.contract.runtime import PIN, PROOF_KEY, Command, Runtime, Turn
from streams.runtimes.contract.scripted_hook import Script, ScriptedHook

__all__ = [
    "PIN",
    "PROMISES",
    "PROOF_KEY",
    "Broken",
    "Command",
    "Promise",
    "Runtime",
    "Script",
    "ScriptedHook",
    "Turn",
]
