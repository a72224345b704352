"""Names of HTTP headers that the client and the gateway share."""

from __future__ import annotations

__all__ = ["POLICY_VERSION"]

#: The version of the policy by which each side falls back.
POLICY_VERSION = "x-misfire-policy"
