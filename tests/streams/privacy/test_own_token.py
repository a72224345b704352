from __future__ import annotations

import logging
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.privacy.own_token import own_token
from streams.serving.access.token_file import Scope, sha256_of


def test_the_token_is_created_once_for_its_owner_and_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "operator.token"
    with caplog.at_level(logging.INFO):
        first, second = own_token(file), own_token(file)

    name, _, secret = file.read_text().strip().partition(".")
    assert first == second
    assert (first.id, first.sha256, first.scopes) == (
        name,
        sha256_of(secret),
        frozenset({Scope.OPERATE, Scope.EXPORT}),
    )
    assert file.stat().st_mode & 0o777 == 0o600
    assert caplog.text.count(str(file)) == 2
    assert secret not in caplog.text


def test_an_unusable_token_file_is_reported_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "operator.token"
    file.touch(0o600)
    for content in ("", "secret", "0" * 8 + ".short"):
        file.write_text(content)
        with pytest.raises(UsageError, match="does not contain a token") as refused:
            own_token(file)
        assert not content or content not in str(refused.value)
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        own_token(file)
    with pytest.raises(DependencyUnavailable):
        own_token(tmp_path / "no" / "operator.token")
