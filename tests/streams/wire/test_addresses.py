"""Which addresses have a form, and which do not."""

import pytest

from streams.wire.addresses import HTTP, MQTT, WYOMING, has_form


@pytest.mark.parametrize(
    ("address", "forms"),
    [
        ("http://127.0.0.1", HTTP),
        ("https://[::1]:8443/prefix", HTTP),
        ("mqtt://broker", MQTT),
        ("mqtts://broker:8883", MQTT),
        ("tcp://127.0.0.1:10400", WYOMING),
        ("unix:///run/wyoming.sock", WYOMING),
    ],
)
def test_an_address_of_the_form(address: str, forms: tuple[str, ...]) -> None:
    assert has_form(address, forms)


@pytest.mark.parametrize(
    ("address", "forms"),
    [
        ("", HTTP),
        ("127.0.0.1:8750", HTTP),
        ("http://", HTTP),
        ("http://a:0", HTTP),
        ("http://a:65536", HTTP),
        ("http://a:b", HTTP),
        ("http://[::1", HTTP),
        ("http://a b", HTTP),
        ("mqtt://a", HTTP),
        ("tcp://a", WYOMING),
        ("tcp://:10400", WYOMING),
        ("unix://", WYOMING),
        ("unix://a", WYOMING),
    ],
)
def test_anything_else_has_no_form(address: str, forms: tuple[str, ...]) -> None:
    assert not has_form(address, forms)
