from __future__ import annotations

import pytest

from streams.wire.tenancy import UNKNOWN, tenant_of


@pytest.mark.parametrize(
    ("household_id", "tenant"),
    [
        ("acme_" + 32 * "0", "acme"),
        ("h1_" + 16 * "ab", "h1"),
        ("home-1", UNKNOWN),
        ("acme_" + 16 * "0", UNKNOWN),
        ("acme_" + 32 * "g", UNKNOWN),
        ("ACME_" + 32 * "0", UNKNOWN),
        ("acme_" + 32 * "0" + "\n", UNKNOWN),
        ("a" * 17 + "_" + 32 * "0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_tenant_is_the_id_of_the_household_key(household_id: str, tenant: str) -> None:
    assert tenant_of(household_id) == tenant
