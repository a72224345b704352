"""What goes wrong in the process of the shadow bundles. It imports little, as that process does."""

from __future__ import annotations

import os
import time
from typing import Any

from detector.contracts.decisions import Decision
from streams.worker import shadow_process

__all__ = ["broken", "ending", "pausing"]

Decided = tuple[Decision, tuple[float, ...]]


def broken(*_: object, **__: object) -> Decided:
    """Fail."""
    raise ValueError


def ending(*_: object, **__: object) -> Decided:
    """End the process."""
    os._exit(3)


def pausing(*given: Any, **more: Any) -> Decided:
    """Decide after a second."""
    time.sleep(1.0)
    return shadow_process.decide(*given, **more)
