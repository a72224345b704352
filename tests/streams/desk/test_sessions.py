from __future__ import annotations

from streams.desk.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from streams.serving.access.token_file import Scope, new_token

_, TOKEN = new_token("acme", frozenset({Scope.OPERATE}), 10)
_, OTHER = new_token("bolt", frozenset({Scope.OPERATE}), 10)


def test_use_prolongs_a_session_up_to_a_limit() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    value = sessions.begin(TOKEN)

    while now[0] + IDLE_SECONDS <= LONGEST_SECONDS:
        now[0] += IDLE_SECONDS
        assert sessions.find(value) is not None
    now[0] = LONGEST_SECONDS + 1
    assert sessions.find(value) is None


def test_a_token_has_a_limited_number_of_sessions() -> None:
    sessions = Sessions()
    other = sessions.begin(OTHER)
    values = [sessions.begin(TOKEN) for _ in range(20)]

    assert [sessions.find(value) is not None for value in values] == 4 * [False] + 16 * [True]
    assert sessions.find(other) is not None


def test_a_form_belongs_to_one_session() -> None:
    sessions = Sessions()
    first, second = (sessions.find(sessions.begin(TOKEN)) for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.permits(first.csrf)
    assert not first.permits(second.csrf)
