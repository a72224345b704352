"""Reading of the policy file: the packaged one or an operator's own."""

from __future__ import annotations

from pathlib import Path

from detector.contracts.errors import PolicyError
from detector.policy.parsing import parse_policy
from detector.policy.policy import Policy
from streams.files.text import read_text

__all__ = ["read_policy"]


def read_policy(path: Path | None = None) -> Policy:
    """Read a policy file; ``None`` is the packaged one.

    Raises:
        DependencyUnavailable: the file does not exist.
        PolicyError: the policy is invalid; the message lists every problem.
        UsageError: the file is not text.
    """
    chosen = path or Path(__file__).with_name("policy.toml")
    try:
        return parse_policy(read_text(chosen, "policy file"))
    except PolicyError as error:
        raise PolicyError(f"{chosen}: {error}") from None
