"""The blocking hook: ask before a command runs.

A runtime needs ``Hook`` (or ``AsyncHook``) and nothing else of this package.
"""

from streams.hook.client import AsyncHook, Hook, RejectedEvent

__all__ = ["AsyncHook", "Hook", "RejectedEvent"]
