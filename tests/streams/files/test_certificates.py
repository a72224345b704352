from __future__ import annotations

import ssl

import pytest

from streams.files.certificates import verification


def test_a_client_of_plain_http_loads_no_authorities() -> None:
    found = verification("http://127.0.0.1:8750")

    assert isinstance(found, ssl.SSLContext)
    assert found.cert_store_stats()["x509_ca"] == 0
    # If it is redirected to HTTPS, it trusts no server.
    assert found.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("url", ["https://gateway", "HTTPS://gateway", "gateway:8750"])
def test_any_other_client_verifies_the_server(url: str) -> None:
    assert verification(url) is True
