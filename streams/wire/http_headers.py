"""Names of HTTP headers that the client and the gateway share."""

from __future__ import annotations

__all__ = ["IGNORED_FIELDS", "POLICY_VERSION"]

#: Names of fields in the request that were ignored, at most a few.
IGNORED_FIELDS = "x-misfire-ignored-fields"

#: Version of the fallback policy, on requests and answers.
POLICY_VERSION = "x-misfire-policy"
