"""The embedded hook: the core in the runtime's process, and one home's state in one SQLite file.

``streams.hook`` exports its two classes and loads them at their first use.
"""

from streams.embedded.blocking import EmbeddedHook
from streams.embedded.client import AsyncEmbeddedHook

__all__ = ["AsyncEmbeddedHook", "EmbeddedHook"]
