"""The policy file: the packaged one, or an operator's own."""

from __future__ import annotations

from pathlib import Path

from detector.errors import PolicyError
from detector.policy import Policy
from detector.policy_text import parse_policy
from streams.errors import MissingPart, WrongUse

__all__ = ["read_policy"]


def read_policy(path: Path | None = None) -> Policy:
    """Read a policy file; ``None`` is the packaged one.

    Raises:
        MissingPart: the file is not there.
        PolicyError: the policy cannot be used; every problem is listed.
        WrongUse: the file is not text.
    """
    chosen = path or Path(__file__).with_name("policy.toml")
    if not chosen.is_file():
        raise MissingPart(f"the policy file {chosen} is not there; leave it out to use the packaged one")
    try:
        return parse_policy(chosen.read_text("utf-8"))
    except UnicodeDecodeError:
        raise WrongUse(f"the policy file {chosen} is not text in UTF-8; give a TOML file") from None
    except PolicyError as error:
        raise PolicyError(f"{chosen}: {error}") from None
