"""Checks of the addresses that options and arguments name, before anything connects."""

from __future__ import annotations

from collections.abc import Collection

from streams.errors import UsageError
from streams.wire.addresses import HTTP, has_form

__all__ = ["check_address", "check_target"]


def check_address(option: str, address: str, forms: Collection[str]) -> None:
    """Check that the address of an option has one of the forms.

    Raises:
        UsageError: it has none of them; the message names the option.
    """
    if not has_form(address, forms):
        raise UsageError(f"{option} {address!r}: write the address as {' or '.join(forms)}")


def check_target(target: str) -> None:
    """Check that a runtime is ``python:MODULE`` or a URL.

    Raises:
        UsageError: it is neither.
    """
    from streams.runtimes.contract.targets import PYTHON

    if not target.startswith(PYTHON) and not has_form(target, HTTP):
        raise UsageError(f"{target!r} is neither python:MODULE nor {' nor '.join(HTTP)}")
