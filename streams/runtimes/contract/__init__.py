"""The contract of adapters, as a test that any adapter can run. Only its public names live here."""

from streams.runtimes.contract.promises import PROMISES, Broken, Promise
from streams.runtimes.contract.runtime import Command, Runtime, Turn
from streams.runtimes.contract.scripted_hook import Script, ScriptedHook

__all__ = [
    "PROMISES",
    "Broken",
    "Command",
    "Promise",
    "Runtime",
    "Script",
    "ScriptedHook",
    "Turn",
]
