"""The forms of addresses that options and settings name."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

__all__ = ["HTTP", "MQTT", "WYOMING", "has_form"]

#: A port in brackets has a default.
HTTP = ("http://HOST[:PORT]", "https://HOST[:PORT]")
MQTT = ("mqtt://HOST[:PORT]", "mqtts://HOST[:PORT]")
WYOMING = ("tcp://HOST:PORT", "unix:///PATH")


def has_form(address: str, forms: Collection[str]) -> bool:
    """Return whether an address has one of the forms; a URL may also have a path.

    >>> has_form("tcp://127.0.0.1:10400", WYOMING), has_form("tcp://127.0.0.1", WYOMING)
    (True, False)
    >>> has_form("http://127.0.0.1:abc", HTTP)
    False
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, or brackets that do not close
        return False
    form = next((each for each in forms if each.startswith(f"{parts.scheme}://")), None)
    if form is None or any(letter.isspace() for letter in address):
        return False
    if parts.scheme == "unix":
        return not parts.netloc and len(parts.path) > 1
    return bool(host) and port != 0 and (port is not None or "[" in form)
