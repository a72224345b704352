"""The operator API's own token, where there is no access file: made at the first start, for the households of every tenant."""

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
    """Return what is kept of the token in a file; make the file where it is not there.

    Raises:
        DependencyUnavailable: the file cannot be read or written.
        UsageError: others may read it, or it holds no token; the message repeats nothing of it.
    """
    try:
        check_private(path, "operator's token file")
        sent = path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        sent, made = new_token(_TENANT, _SCOPES, _PER_SECOND)
        write_privately(path, f"{sent}\n".encode(), "operator's token")
        logger.info("made a token for the operator API; it is in %s", path.absolute())
        return made
    except OSError as error:
        raise DependencyUnavailable(
            f"the operator's token file {path} cannot be read: {error.strerror or error}"
        ) from error
    match = _FORM.fullmatch(sent)
    if match is None:
        raise UsageError(f"{path} holds no token; remove it, and 'misfire operator' makes another")
    logger.info("the operator API asks for the token in %s", path.absolute())
    return AccessToken(
        id=match["id"],
        tenant=_TENANT,
        scopes=_SCOPES,
        per_second=_PER_SECOND,
        sha256=sha256_of(match["secret"]),
    )
