"""The tokens of two tenants for the operator API."""

from __future__ import annotations

from pathlib import Path

from streams.serving.access.token_file import AccessFile, Scope, new_token, with_token, write_access

__all__ = ["OURS", "THEIRS", "write_tokens"]

#: A household of each tenant.
OURS, THEIRS = f"hacme_{'0' * 32}", f"hbeta_{'0' * 32}"


def write_tokens(file: Path) -> dict[tuple[str, Scope], str]:
    """Write an access file; return its tokens by tenant and scope."""
    access, tokens = AccessFile(), dict[tuple[str, Scope], str]()
    for tenant, key, scope in (
        ("acme", "hacme", Scope.OPERATE),
        ("acme", "hacme", Scope.DECIDE),
        ("beta", "hbeta", Scope.OPERATE),
    ):
        tokens[tenant, scope], kept = new_token(tenant, frozenset([scope]), 1000)
        access = with_token(access, kept, key)
    write_access(file, access)
    return tokens
