from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RecordError
from streams.wire.callback_addresses import allowed_callbacks, check_callback

LISTED = (
    "http://127.0.0.1:9/late,https://Runtime.home.arpa/late,"
    "acme=http://[::1]:81/,http://other.home.arpa:80/a/b"
)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:9/late", "http://127.0.0.1:9/late"),
        ("http://127.0.0.1:9/late/k1_5f", "http://127.0.0.1:9/late/k1_5f"),
        ("HTTPS://RUNTIME.home.ARPA:443/late/", "https://runtime.home.arpa/late"),
        ("https://runtime.home.arpa./late", "https://runtime.home.arpa/late"),
        ("http://other.home.arpa/a/b", "http://other.home.arpa/a/b"),
        ("http://other.home.arpa:0080/a/b/c", "http://other.home.arpa/a/b/c"),
    ],
)
def test_a_listed_address_is_returned_in_canonical_form(url: str, sent: str) -> None:
    assert check_callback(url, LISTED, None) == sent


def test_an_address_is_available_only_to_callers_of_its_tenant() -> None:
    assert check_callback("http://[0:0::1]:81/x", LISTED, "acme") == "http://[::1]:81/x"
    for tenant in (None, "bolt", "acme "):
        with pytest.raises(RecordError):
            check_callback("http://[::1]:81/x", LISTED, tenant)
    with pytest.raises(RecordError):
        check_callback("http://127.0.0.1:9/late", LISTED, "acme")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8752/v1/households/h1/erasure",
        "http://127.0.0.1:9/later",
        "http://127.0.0.1:9/",
        "http://127.0.0.1:9/late/../v1/households/h1/erasure",
        "http://127.0.0.1:9/late/./x",
        "http://127.0.0.1:9/late/%2e%2e/erasure",
        "http://127.0.0.1:9/late%2f..",
        "http://127.0.0.1:9/late\\..\\erasure",
        "http://127.0.0.1:9//late",
        "http://127.0.0.1:9/late//x",
        "http://127.0.0.1:9/late?to=x",
        "http://127.0.0.1:9/late#x",
        "http://127.0.0.1:9/late;x",
        "http://127.0.0.1:9/late\n",
        "http://127.0.0.1:9\t/late",
        " http://127.0.0.1:9/late",
        "https://127.0.0.1:9/late",
        "http://127.0.0.1:99999/late",
        "http://127.0.0.1:0/late",
        "http://127.0.0.1:/late",
        "http://127.0.0.1/late",
        "http://127.1:9/late",
        "http://2130706433:9/late",
        "http://0x7f000001:9/late",
        "http://0177.0.0.1:9/late",
        "http://[::ffff:127.0.0.1]:9/late",
        "http://[::1]:9/late",
        "http://[::1%25lo]:9/late",
        "http://[::1:9/late",
        "http://localhost:9/late",
        "http://localhost.:9/late",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:9@evil.example/late",
        "http://user@127.0.0.1:9/late",
        "http://user:pass@127.0.0.1:9/late",
        "http://127.0.0.1:9.evil.example/late",
        "https://runtime.home.arpa.evil.example/late",
        "https://runtime.home.arpa../late",
        "https://runtime..home.arpa/late",
        "https://runtime\u3002home.arpa/late",
        "https://runtime.home.arp\u0430/late",
        "https://\u017funtime.home.arpa/late",
        "https:/runtime.home.arpa/late",
        "//runtime.home.arpa/late",
        "ftp://runtime.home.arpa/late",
        "file:///etc/passwd",
        "gopher://127.0.0.1:9/late",
        "late",
        "",
        "http:///late",
        "http://127.0.0.1:9/late/" + "x" * 3_000,
    ],
)
def test_an_unlisted_address_is_rejected(url: str) -> None:
    with pytest.raises(RecordError) as refused:
        check_callback(url, LISTED, None)

    assert refused.value.code == "bad_callback"


def test_without_a_list_even_loopback_is_rejected() -> None:
    for url in ("http://127.0.0.1:9/late", "http://[::1]/", "http://localhost/"):
        with pytest.raises(RecordError):
            check_callback(url, "", None)


@given(st.text(alphabet="http:/.\\@%2e127.0late9[]#?late", max_size=40))
def test_only_listed_addresses_are_returned_for_any_input(text: str) -> None:
    try:
        sent = check_callback(f"http://127.0.0.1:9/late{text}", LISTED, None)
    except RecordError:
        return
    assert sent == "http://127.0.0.1:9/late" or sent.startswith("http://127.0.0.1:9/late/")
    assert not {"..", "%", "\\", "@", "?", "#"} & {
        part for each in sent.split("/") for part in (each, *each)
    }


@pytest.mark.parametrize(
    "listed", ["runtime.home.arpa", "=http://a/", "a=b=http://c/", "http://a/?b", "ws://a/"]
)
def test_an_invalid_list_is_refused(listed: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        allowed_callbacks(listed)
