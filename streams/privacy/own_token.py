"""The operator API's own token, created at the first start if there is no access file."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from streams.errors import DependencyUnavailable, UsageError
from streams.files.private import check_private, write_privately
from streams.serving.access.token_file import AccessToken, Scope, new_token, sha256_of

__all__ = ["own_token"]

logger = logging.getLogger(__name__)

_TENANT, _SCOPES, _PER_SECOND = "operator", frozenset({Scope.OPERATE, Scope.EXPORT}), 100
_FORM = re.compile(r"(?P<id>[0-9a-f]{8})\.(?P<secret>[0-9A-Za-z_-]{43})")


def own_token(path: Path) -> AccessToken:
    """Return the access token of a file, for the households of all tenants; create it if missing.

    Raises:
        DependencyUnavailable: the file cannot be read or written.
        UsageError: other users can read it, or it contains no token. The message repeats nothing.
    """
    try:
        check_private(path, "operator's token file")
        sent = path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        sent, made = new_token(_TENANT, _SCOPES, _PER_SECOND)
        write_privately(path, f"{sent}\n".encode(), "operator's token")
        logger.info("created a token for the operator API in %s", path.absolute())
        return made
    except OSError as error:
        raise DependencyUnavailable(
            f"the operator's token file {path} cannot be read: {error.strerror or error}"
        ) from error
    match = _FORM.fullmatch(sent)
    if match is None:
        raise UsageError(
            f"{path} does not contain a token; remove it, and 'misfire operator' creates one"
        )
    logger.info("the operator API requires the token in %s", path.absolute())
    return AccessToken(
        id=match["id"],
        tenant=_TENANT,
        scopes=_SCOPES,
        per_second=_PER_SECOND,
        sha256=sha256_of(match["secret"]),
    )
