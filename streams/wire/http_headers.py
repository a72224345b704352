"""Names of HTTP headers that the client and the gateway share."""

from __future__ import annotations

__all__ = ["IGNORED_FIELDS", "POLICY_VERSION"]

#: Fields of what was sent that nobody read, a few of their names.
IGNORED_FIELDS = "x-misfire-ignored-fields"

#: The version of the policy by which each side falls back.
POLICY_VERSION = "x-misfire-policy"
