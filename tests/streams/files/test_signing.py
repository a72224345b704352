from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from detector.contracts.errors import BundleError
from streams.errors import DependencyUnavailable
from streams.files.bundles import read_bundle, sign_bundle, write_bundle
from streams.files.enforcing import read_enforcing
from streams.files.signing import SIGNATURE, read_private_key, read_public_key
from streams.files.starter import STARTER
from tests.commands import misfire
from tests.detector.builders import hand_bundle, hand_report


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private and a public key."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    return key_pair(tmp_path, "bundle")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_signed_bundle_is_accepted(place: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    assert misfire("bundle", "sign", place, "--key", private).returncode == 0
    assert misfire("bundle", "verify", place, "--public-key", public).returncode == 0
    assert read_enforcing(place, key=read_public_key(public)).version == hand_bundle().version
    # A signature is deterministic, and a bundle with one is read without a key as well.
    before = (place / SIGNATURE).read_bytes()
    sign_bundle(place, read_private_key(private))
    assert (place / SIGNATURE).read_bytes() == before
    assert read_bundle(place).version == hand_bundle().version


def test_an_unsigned_bundle_is_refused(place: Path, keys: tuple[Path, Path]) -> None:
    for directory in (place, STARTER):
        with pytest.raises(BundleError, match="is not signed"):
            read_enforcing(directory, key=read_public_key(keys[1]))


def test_a_bundle_signed_with_another_key_is_refused(
    place: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    sign_bundle(place, read_private_key(key_pair(tmp_path, "other")[0]))
    with pytest.raises(BundleError, match="another key"):
        read_bundle(place, key=read_public_key(keys[1]))


@pytest.mark.parametrize("signature", [b"", b"not base64!", b"AAAA", b"A" * 5_000])
def test_a_broken_signature_is_refused(
    place: Path, keys: tuple[Path, Path], signature: bytes
) -> None:
    (place / SIGNATURE).write_bytes(signature)
    with pytest.raises(BundleError):
        read_bundle(place, key=read_public_key(keys[1]))


def test_a_bundle_that_replaces_a_signed_one_is_refused(
    place: Path, keys: tuple[Path, Path]
) -> None:
    sign_bundle(place, read_private_key(keys[0]))
    signature = (place / SIGNATURE).read_bytes()
    write_bundle(hand_bundle(report=hand_report(ours=0.5)), place)
    assert not (place / SIGNATURE).exists()
    (place / SIGNATURE).write_bytes(signature)
    with pytest.raises(BundleError, match="was changed after it was signed"):
        read_bundle(place, key=read_public_key(keys[1]))


@pytest.mark.parametrize("part", ["worker", "gateway"])
def test_a_key_that_cannot_be_read_is_named(part: str, place: Path, tmp_path: Path) -> None:
    done = misfire(
        *(part, "--bundle", place, "--broker", "127.0.0.1:1", "--port", 0),
        MISFIRE_BUNDLE_PUBLIC_KEY=str(tmp_path / "missing.pub"),
    )
    assert done.returncode == 3
    assert "missing.pub cannot be read" in done.stderr


def test_a_worker_with_a_key_refuses_an_unsigned_bundle(
    place: Path, keys: tuple[Path, Path]
) -> None:
    done = misfire(
        *("worker", "--bundle", place, "--broker", "127.0.0.1:1"),
        MISFIRE_BUNDLE_PUBLIC_KEY=str(keys[1]),
    )
    assert done.returncode == 3
    assert "is not signed; sign it with 'misfire bundle sign'" in done.stderr


def test_the_wrong_kind_of_key_is_refused(keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys
    with pytest.raises(DependencyUnavailable, match="not a private ed25519 key"):
        read_private_key(public)
    with pytest.raises(DependencyUnavailable, match="not a public ed25519 key"):
        read_public_key(private)
    with pytest.raises(DependencyUnavailable, match="cannot be read"):
        read_private_key(tmp_path / "nowhere")


def test_the_documented_openssl_commands_write_usable_keys(place: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "o.key", tmp_path / "o.pub"
    for command in (
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(private)],
        ["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    sign_bundle(place, read_private_key(private))
    read_bundle(place, key=read_public_key(public))
