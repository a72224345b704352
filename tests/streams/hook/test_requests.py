from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.errors import BadRecord
from streams.hook.requests import asker_of
from streams.settings import Settings

SETTINGS = Settings(callback_hosts="runtime.home.arpa,other.home.arpa")


def deadline(seconds: float) -> dict[str, str]:
    return {"x-misfire-deadline": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}


def test_without_a_word_the_settings_deadline_holds() -> None:
    assert asker_of({}, SETTINGS).seconds == SETTINGS.deadline_ms / 1000


def test_what_was_spent_on_the_way_is_taken_off() -> None:
    left = asker_of({"x-misfire-deadline-ms": "10000", **deadline(2.0)}, SETTINGS).seconds

    assert 0.0 < left <= 2.0


@pytest.mark.parametrize("seconds", [-30.0, 30.0])
def test_an_absolute_deadline_never_prolongs_and_a_skewed_clock_never_takes_all(seconds: float) -> None:
    assert asker_of({"x-misfire-deadline-ms": "500", **deadline(seconds)}, SETTINGS).seconds == 0.5


@pytest.mark.parametrize("absolute", ["soon", "2026-01-05T18:00:00", "", "1"])
def test_an_absolute_deadline_that_is_none_is_refused(absolute: str) -> None:
    with pytest.raises(BadRecord) as refused:
        asker_of({"x-misfire-deadline": absolute}, SETTINGS)

    assert refused.value.code == "bad_deadline"


@pytest.mark.parametrize("seconds", [0.001, 0.004, 0.15, 10.0])
def test_time_is_kept_for_writing_the_answer(seconds: float) -> None:
    asker = asker_of({"x-misfire-deadline-ms": str(int(1000 * seconds))}, SETTINGS)

    assert asker.wait <= asker.seconds - 0.004


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/late", "http://[::1]:9/late", "https://other.home.arpa/late", "http://127.1.2.3/"],
)
def test_late_answers_go_to_loopback_and_to_hosts_that_are_allowed(url: str) -> None:
    assert asker_of({"x-misfire-late-url": url}, SETTINGS).callback == url


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://other.home.arpa.example.com/",
        "http://other.home.arpa@example.com/",
        "http://user@127.0.0.1/",
        "http://2130706433/",
        "http://localhost/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://127.0.0.1:port/",
        "http://[::1/",
        "late",
        "http:///late",
    ],
)
def test_and_nowhere_else(url: str) -> None:
    with pytest.raises(BadRecord) as refused:
        asker_of({"x-misfire-late-url": url}, SETTINGS)

    assert refused.value.code == "bad_callback"
