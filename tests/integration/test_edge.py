"""Start a gateway with TLS, client certificates and tokens, and send requests of all kinds."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trustme

from detector.contracts.decisions import Rung
from streams.files.keyring import new_keyring
from streams.hook import Hook, Tokens
from streams.local.processes import free_port
from streams.settings import Settings
from streams.wire.records import INTENT
from tests.commands import misfire
from tests.detector.builders import event
from tests.integration.forked import start_misfire
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import until


@dataclass(frozen=True)
class Certificates:
    """The files of the gateway's certificate, a client's certificate and their CA."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def client(self) -> Path:
        return self.folder / "client.pem"

    def context(self, *, own: bool = True) -> ssl.SSLContext:
        found = ssl.create_default_context(cafile=self.ca)
        if own:
            found.load_cert_chain(self.client)
        return found


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "gateway.pem")
    ca.issue_cert("runtime@acme.example").private_key_and_cert_chain_pem.write_to_path(
        folder / "client.pem"
    )
    trustme.CA().issue_cert("other@acme.example").private_key_and_cert_chain_pem.write_to_path(
        folder / "other.pem"
    )
    return Certificates(folder)


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Create an access file with the command line; return it with the printed tokens."""
    file, tokens = tmp_path_factory.mktemp("access") / "access.json", {}
    for scope in ("decide", "operate"):
        made = misfire(
            "token",
            "new",
            file,
            "--tenant",
            "acme",
            "--household-key",
            "hacme",
            "--scope",
            scope,
            "--per-second",
            "1000",
        )
        assert made.returncode == 0, made.stderr
        tokens[scope] = made.stdout.strip()
    return file, tokens


@contextmanager
def closed_gateway(
    certificates: Certificates, bundle: Path, log: Path, *, mutual: bool = True, **variables: str
) -> Iterator[str]:
    """Run a gateway with TLS and without a broker; yield its address."""
    url = f"https://127.0.0.1:{free_port()}"
    pair = str(certificates.folder / "gateway.pem")
    settings = {"MISFIRE_GATEWAY_CERT": pair, "MISFIRE_GATEWAY_KEY": pair} | variables
    if mutual:
        settings["MISFIRE_GATEWAY_CLIENT_CA"] = str(certificates.ca)
    process = start_misfire(
        *("gateway", "--bundle", str(bundle)),
        *("--broker", f"127.0.0.1:{free_port()}", "--port", url.rpartition(":")[2]),
        log=log,
        environment=os.environ | settings,
    )

    def alive() -> bool:
        try:
            return httpx.get(f"{url}/healthz", verify=certificates.context(), timeout=5).is_success
        except httpx.HTTPError:
            return False

    try:
        until(alive, lambda: log.read_text()[-3000:])
        yield url
    finally:
        process.stop()


def test_only_a_client_with_certificate_and_token_is_answered(
    certificates: Certificates, access: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    file, sent = access
    tokens = Tokens(new_keyring("acme", datetime.now(UTC), household_key="hacme"))
    foreign = ssl.create_default_context(cafile=certificates.ca)
    foreign.load_cert_chain(certificates.folder / "other.pem")
    command = event(1)
    with closed_gateway(
        certificates, bundle, tmp_path / "log", MISFIRE_ACCESS_FILE=str(file)
    ) as url:

        def rung(token: str | None, tls: ssl.SSLContext, at: str = url) -> tuple[Rung, str]:
            with Hook(at, deadline_ms=2_000, tokens=tokens, token=token, tls=tls) as hook:
                decision = hook.decide(command)
            return decision.rung, decision.reasons[0].code

        assert rung(sent["decide"], certificates.context())[0] is Rung.GATEWAY
        assert rung(sent["operate"], certificates.context()) == (Rung.POLICY, "gateway_refused")
        assert rung(None, certificates.context()) == (Rung.POLICY, "gateway_refused")
        # The connection fails: no certificate, one of another CA, no TLS, a gateway of another CA.
        for tls in (certificates.context(own=False), foreign, ssl.create_default_context()):
            assert rung(sent["decide"], tls) == (Rung.POLICY, "gateway_unreachable")
        plain = url.replace("https", "http")
        assert rung(sent["decide"], certificates.context(), plain) == (
            Rung.POLICY,
            "gateway_unreachable",
        )

        exposed = httpx.get(
            f"{url}/metrics",
            verify=certificates.context(),
            headers={"authorization": f"Bearer {sent['operate']}"},
        ).text
    said = (tmp_path / "log").read_text()
    assert 'misfire_hook_refused_total{reason="missing_scope"} 1' in exposed
    assert 'misfire_hook_refused_total{reason="no_token"} 1' in exposed
    assert "https://127.0.0.1" in said
    for token in sent.values():
        assert token.partition(".")[2] not in exposed + said


def test_the_projects_own_tools_connect_with_certificates_and_tokens(
    certificates: Certificates, access: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    file, sent = access
    (tmp_path / "token").write_text(sent["decide"] + "\n")
    asked = tmp_path / "event.json"
    asked.write_bytes(INTENT.encode(event(1, household_id=f"hacme_{'0' * 32}")))
    way = {
        "MISFIRE_HOOK_TOKEN_FILE": str(tmp_path / "token"),
        "MISFIRE_HOOK_CA": str(certificates.ca),
        "MISFIRE_HOOK_CERT": str(certificates.client),
    }
    with closed_gateway(
        certificates, bundle, tmp_path / "log", MISFIRE_ACCESS_FILE=str(file)
    ) as url:
        right = misfire("decide", asked, "--url", url, "--deadline-ms", 3000, "--json", "-", **way)
        wrong = misfire("decide", asked, "--url", url, "--deadline-ms", 3000, "--json", "-")

        from streams.operations.doctor import _condition, _gateway_client, _processes

        settings = Settings(
            gateway_port=int(url.rpartition(":")[2]),
            hook_ca=certificates.ca,
            hook_cert=certificates.client,
            hook_token_file=tmp_path / "token",
        )
        unfit = _processes("gateway", "127.0.0.1", settings.gateway_port, _gateway_client(settings))
        (tmp_path / "token").write_text(sent["operate"])
        fit = _processes("gateway", "127.0.0.1", settings.gateway_port, _gateway_client(settings))

    assert '"rung": "gateway"' in right.stdout
    assert '"rung": "policy"' in wrong.stdout
    assert "a token with the scope operate" in _condition(unfit[0]).text
    assert fit[0].answers
    assert fit[0].bundles
    assert fit[0].missing == "kafka"


def test_tls_and_tokens_suffice(
    certificates: Certificates, access: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    _, bundle = bundle_on_disk(tmp_path)
    command = INTENT.encode(event(1, household_id=f"hacme_{'0' * 32}"))
    with closed_gateway(
        certificates, bundle, tmp_path / "log", mutual=False, MISFIRE_ACCESS_FILE=str(access[0])
    ) as url:
        headers = {"authorization": f"Bearer {access[1]['decide']}", "x-misfire-deadline-ms": "500"}
        answers = [
            httpx.post(
                f"{url}/v1/decide",
                content=command,
                headers={"content-type": "application/json"} | given,
                verify=certificates.context(own=False),
                timeout=10,
            ).status_code
            for given in (headers, {})
        ]

    assert answers == [200, 401]


def test_a_gateway_does_not_start_on_a_network_by_mistake() -> None:
    found = misfire("gateway", "--host", "0.0.0.0", "--port", "0")

    assert found.returncode == 2
    assert "access_file" in found.stderr
    assert "gateway_cert" in found.stderr
    assert "Traceback" not in found.stderr
