from __future__ import annotations

import pytest

from streams.local.processes import free_port
from streams.operations.monitoring_checks import alerts, scrape
from streams.settings import Settings, load
from streams.wire.callback_addresses import allowed_callbacks
from streams.wire.redaction import redacted
from tests.streams.cli.test_standard_streams import MISFIRE, run

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("http://otel:s3cret@c:4318", "http://…@c:4318"),
        ("https://s3cret@c/x", "https://…@c/x"),
        ("http://a:s3@cret@c", "http://…@c"),
        ("http://c?key=s3cret", "http://c?…"),
        (
            "acme=https://u:s3cret@c/a,beta=https://v:s3cret@d/b",
            "acme=https://…@c/a,beta=https://…@d/b",
        ),
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
        ("user@example.com", "user@example.com"),
    ],
)
def test_an_address_is_shown_without_credentials(url: str, safe: str) -> None:
    assert redacted(url) == safe


URLS = [name for name, field in Settings.model_fields.items() if "https?://" in repr(field)]


def test_config_show_repeats_no_password() -> None:
    assert {"otlp_endpoint", "prometheus", "alertmanager"} <= set(URLS)
    given = " ".join(f"MISFIRE_{name.upper()}=http://u:{SECRET}@127.0.0.1:1" for name in URLS)
    code, said = run(
        f"COLUMNS=400 {given} {MISFIRE} config show --json /dev/stdout 2>&1 | tee /dev/stderr"
    )
    assert code == 0
    assert "127.0.0.1:1" in said
    assert SECRET not in said


def test_errors_repeat_no_password() -> None:
    address = f"http://u:{SECRET}@127.0.0.1:{free_port()}"
    for finding in (scrape(address), alerts(address)):
        assert SECRET not in repr(finding)
    with pytest.raises(ValueError, match="without user") as refused:
        allowed_callbacks(address)
    assert SECRET not in str(refused.value)
    for name in URLS:
        with pytest.raises(Exception, match=name) as wrong:
            load(environment={f"MISFIRE_{name.upper()}": f"ftp://u:{SECRET}@c"})
        assert SECRET not in str(wrong.value)
