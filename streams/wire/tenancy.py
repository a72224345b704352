"""Tenants of household ids: an id starts with the id of the tenant's household key.

The gateway accepts a household only with a token of its tenant (``guard.Caller.owns``), so behind
the gateway the prefix is verified. Without tokens all clients trust each other, and the prefix only
separates counters.
"""

from __future__ import annotations

import re

__all__ = ["HOUSEHOLD_DIGITS", "UNKNOWN", "tenant_of"]

#: The part of a household id after the key's id: a keyed hash of 128 bits.
HOUSEHOLD_DIGITS = r"_[0-9a-f]{32}"
#: Tenant of ids that are not tokens.
UNKNOWN = ""
_TOKEN = re.compile(rf"([a-z][a-z0-9]{{0,15}}){HOUSEHOLD_DIGITS}")


def tenant_of(household_id: str) -> str:
    """Return the tenant of a household id, or ``UNKNOWN`` if the id is not a token.

    >>> tenant_of("acme_" + 32 * "0"), tenant_of("kitchen")
    ('acme', '')
    """
    found = _TOKEN.fullmatch(household_id)
    return found[1] if found else UNKNOWN
