"""Signatures of bundles: ed25519 (RFC 8032) over the manifest, which has the hash of every file.

Keys are PEM files, as OpenSSL writes them:

    openssl genpkey -algorithm ed25519 -out bundle.key
    openssl pkey -in bundle.key -pubout -out bundle.pub
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from detector.contracts.errors import BundleError
from streams.errors import DependencyUnavailable
from streams.files.bundle_names import SIGNATURE
from streams.files.text import read_small

__all__ = ["SIGNATURE", "check_signature", "read_private_key", "read_public_key", "signature_of"]

#: A signature of something else with the same key must not pass for that of a bundle.
_CONTEXT = b"misfire bundle manifest\n"
#: Bytes: a PEM file of an ed25519 key has 120, a signature 88.
_LARGEST = 4_096


def signature_of(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return the content of the signature's file; ed25519 signatures are deterministic."""
    return b64encode(key.sign(_CONTEXT + manifest)) + b"\n"


def check_signature(place: Path, manifest: bytes, key: Ed25519PublicKey) -> None:
    """Check the signature in a bundle's directory.

    Raises:
        BundleError: the bundle is not signed, or not with this key, or was changed afterwards.
    """
    try:
        data = read_small(place / SIGNATURE, _LARGEST)
    except FileNotFoundError:
        raise BundleError(
            f"the bundle in {place} is not signed; sign it with 'misfire bundle sign'"
        ) from None
    except OSError as error:
        raise BundleError(f"the signature of the bundle in {place} cannot be read") from error
    try:
        key.verify(b64decode(data.strip(), validate=True), _CONTEXT + manifest)
    except (ValueError, InvalidSignature):
        raise BundleError(
            f"the bundle in {place} was changed after it was signed, or was signed with another "
            "key; do not use it"
        ) from None


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        DependencyUnavailable: the file cannot be read, or is not an unencrypted ed25519 key.
    """
    try:
        key = load_pem_private_key(_content(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise DependencyUnavailable(
            f"{path} is not a private ed25519 key in PEM without a password; create one with "
            "'openssl genpkey -algorithm ed25519'"
        )
    return key


def read_public_key(path: Path | None) -> Ed25519PublicKey | None:
    """Read a public key; return ``None`` if no file is given.

    Raises:
        DependencyUnavailable: the file cannot be read, or is not an ed25519 key.
    """
    if path is None:
        return None
    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise DependencyUnavailable(
            f"{path} is not a public ed25519 key in PEM; write it with 'openssl pkey -pubout'"
        )
    return key


def _content(path: Path) -> bytes:
    try:
        return read_small(path, _LARGEST)
    except OSError as error:
        raise DependencyUnavailable(f"the key {path} cannot be read ({error})") from error
