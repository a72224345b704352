"""Reads what an embedded hook decides by: the bundle, with the caller's policy if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from detector.contracts.errors import BundleError, InvalidValue
from detector.decision.bundle import Bundle, make_bundle
from detector.policy.policy import Policy
from streams.errors import DependencyUnavailable
from streams.files.bundles import read_bundle
from streams.files.enforcing import check_ready
from streams.files.policy import read_policy
from streams.files.starter import starter_bundle
from streams.hook.calls import warn

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["NoBundleError", "Rules", "read_rules"]


class NoBundleError(Exception):
    """There is no usable bundle. ``code`` is ``no_bundle`` or ``bundle_damaged``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Rules:
    """The bundle or why there is none, and the policy of fallbacks; ``None``: the packaged."""

    bundle: Bundle | NoBundleError
    policy: Policy | None


def read_rules(
    bundle: Bundle | Path | None,
    policy: Policy | Path | None,
    *,
    public_key: Path | None,
    allow_unready: bool,
) -> Rules:
    """Read the bundle (``None``: the starter bundle) and put the policy in place of its own.

    A missing or damaged bundle, or one that ``public_key`` did not sign, is logged, and the policy
    answers.

    Raises:
        InvalidValue: a public key is given, but no directory that it could have signed.
        UnreadyBundle: the bundle is not ready to enforce.
        PolicyError, DependencyUnavailable, UsageError: the policy or the key cannot be used.
    """
    if public_key is not None and not isinstance(bundle, Path):
        raise InvalidValue("bundle_public_key needs bundle, the directory of a signed bundle")
    key = None
    if public_key is not None:
        # Its library takes 12 MB, which a hook without a key does not need.
        from streams.files.signing import read_public_key  # noqa: PLC0415 - as above

        key = read_public_key(public_key)
    own = read_policy(policy) if isinstance(policy, Path) else policy
    try:
        found = bundle if isinstance(bundle, Bundle) else _read(bundle, key)
    except (BundleError, DependencyUnavailable) as error:
        code = "no_bundle" if isinstance(error, DependencyUnavailable) else "bundle_damaged"
        warn("%s; the policy's rule answers every command", error)
        return Rules(NoBundleError(code, str(error)), own)
    if own is not None and own != found.policy:
        found = make_bundle(
            found.model,
            found.judge,
            found.calibration,
            own,
            report=found.report,
            training=found.training,
        )
    check_ready(found, allow_unready=allow_unready)
    return Rules(found, found.policy)


def _read(path: Path | None, key: Ed25519PublicKey | None) -> Bundle:
    return starter_bundle() if path is None else read_bundle(path, key=key)
