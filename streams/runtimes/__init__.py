"""Adapters for assistant runtimes; each folder connects one. Only the shared public names are here.

An adapter makes a ``Heard`` of what its runtime understood, asks a ``Gate``, and does what the
``Ruling`` says.
"""

from streams.hook.interface import AskingHook
from streams.runtimes.gate import Action, Gate, Heard, Ruling
from streams.runtimes.replies import accepts

__all__ = ["Action", "AskingHook", "Gate", "Heard", "Ruling", "accepts"]
