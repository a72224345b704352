"""Whose household an id names: the id of the tenant's household key stands in front of it.

The gateway accepts a household only from a token of its tenant (``access.Caller.owns``), so behind it the prefix is checked. Where
nobody checks tokens there is one circle of trust, and the prefix only keeps apart what would otherwise be counted together.
"""

from __future__ import annotations

import re

__all__ = ["HOUSEHOLD_DIGITS", "UNKNOWN", "tenant_of"]

#: Of a household's id, what follows the key's: a keyed token of 128 bits.
HOUSEHOLD_DIGITS = r"_[0-9a-f]{32}"
#: The tenant of ids that are no tokens.
UNKNOWN = ""
_TOKEN = re.compile(rf"([a-z][a-z0-9]{{0,15}}){HOUSEHOLD_DIGITS}")


def tenant_of(household_id: str) -> str:
    """Return the id of the household key that an id was made with, which tells its tenant; ``UNKNOWN`` where it is no token.

    >>> tenant_of("acme_" + 32 * "0"), tenant_of("kitchen")
    ('acme', '')
    """
    found = _TOKEN.fullmatch(household_id)
    return found[1] if found else UNKNOWN
