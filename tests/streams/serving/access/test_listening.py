from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from streams.errors import DependencyUnavailable, UsageError
from streams.serving.access.listening import bearer_of, check_edge, client_context, server_options
from streams.settings import Settings

FILE = Path("file")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_needs_no_protection(host: str) -> None:
    check_edge(Settings(gateway_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway", "127.0.0.1.example.org"])
@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({}, ["TLS", "tokens"]),
        ({"access_file": FILE}, ["TLS"]),
        ({"gateway_cert": FILE, "gateway_key": FILE}, ["tokens"]),
        ({"gateway_cert": FILE, "gateway_key": FILE, "access_file": FILE}, []),
        ({"gateway_cert": FILE, "gateway_key": FILE, "gateway_client_ca": FILE}, []),
        ({"trust_network": True}, []),
    ],
)
def test_a_network_address_requires_tls_and_tokens(
    host: str, given: dict[str, Path], lacking: list[str]
) -> None:
    settings = Settings(gateway_host=host, **given)
    if not lacking:
        check_edge(settings)
        return
    with pytest.raises(UsageError, match="does not start") as found:
        check_edge(settings)

    said = str(found.value)
    assert [word for word in ("TLS", "tokens") if word in said] == lacking
    assert "trust_network" in said


def test_incomplete_combinations_of_settings_are_refused() -> None:
    for given in ({"gateway_cert": FILE}, {"gateway_key": FILE}, {"gateway_client_ca": FILE}):
        with pytest.raises(UsageError, match="gateway_cert and gateway_key"):
            check_edge(Settings(**given))


def test_an_unusable_certificate_is_named(tmp_path: Path) -> None:
    ours, theirs = (trustme.CA().issue_cert("127.0.0.1") for _ in range(2))
    cert, key, none = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "none.pem"
    ours.cert_chain_pems[0].write_to_path(cert)
    theirs.private_key_pem.write_to_path(key)

    for settings, said in (
        (Settings(gateway_cert=cert, gateway_key=key), "cert.pem"),
        (Settings(gateway_cert=none, gateway_key=key), "none.pem"),
    ):
        with pytest.raises(DependencyUnavailable, match=said):
            server_options(settings)
    with pytest.raises(DependencyUnavailable, match=r"none\.pem"):
        client_context(Settings(hook_ca=none))
    with pytest.raises(DependencyUnavailable, match=r"the token file .*none\.pem"):
        bearer_of(Settings(hook_token_file=none))


def test_without_settings_the_defaults_apply() -> None:
    settings = Settings()

    assert (server_options(settings), client_context(settings), bearer_of(settings)) == (
        {},
        None,
        None,
    )
