"""What both embedded hooks are constructed from."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from streams.embedded.serving import Serving, Settings
from streams.hook.calls import Observer
from streams.hook.tokenizing import Tokens

if TYPE_CHECKING:
    from detector.decision.bundle import Bundle
    from detector.policy.policy import Policy

__all__ = ["CLOSE_SECONDS", "EmbeddedBase"]

#: Seconds to wait for the file to close.
CLOSE_SECONDS = 1.0


class EmbeddedBase:
    """The constructor of ``EmbeddedHook``, which describes its arguments, and its async twin."""

    def __init__(
        self,
        path: Path | str,
        *,
        bundle: Bundle | Path | None = None,
        bundle_public_key: Path | None = None,
        policy: Policy | Path | None = None,
        allow_unready: bool = False,
        deadline_ms: int = 150,
        tokens: Tokens | None = None,
        confirmation_key: bytes | None = None,
        keep_days: float = 30.0,
        observers: Sequence[Observer] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._serving = Serving(
            Settings(
                path=Path(path),
                bundle=bundle,
                bundle_public_key=bundle_public_key,
                policy=policy,
                allow_unready=allow_unready,
                deadline_ms=deadline_ms,
                tokens=tokens,
                confirmation_key=confirmation_key,
                keep_days=keep_days,
                now=now,
            )
        )
        self._observers = tuple(observers)
