"""The connection of the Hermes bridge to its MQTT broker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from streams.errors import DependencyUnavailable
from streams.hook.calls import warn
from streams.runtimes.bridges.hermes import HermesBridge
from streams.runtimes.bridges.hermes_messages import DOWN, EVERYTHING, INTENT

__all__ = ["Mqtt", "MqttSettings", "bridge_brokers", "send_at_once"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
#: Seconds between pings, and the longest pause before the client connects again.
_KEEPALIVE, _RETRY = 30, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Where the broker is. ``url`` is a checked ``mqtt://HOST[:PORT]``, or ``mqtts://`` for TLS."""

    url: str
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None


class Mqtt:
    """A client that connects again and subscribes again by itself.

    ``subscribed`` is set once the broker has confirmed the subscriptions.

    Raises:
        DependencyUnavailable: the password cannot be read.
    """

    def __init__(self, settings: MqttSettings) -> None:
        parts = urlsplit(settings.url)
        self._address = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        self.subscribed, self._stopped = threading.Event(), threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_socket_open = send_at_once
        self._client.reconnect_delay_set(max_delay=_RETRY)
        if settings.username:
            self._client.username_pw_set(settings.username, _password(settings.password_file))
        if parts.scheme == "mqtts":
            self._client.tls_set(ca_certs=str(settings.ca_file) if settings.ca_file else None)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, at most once: a command must not run later than it was given.

        Raises:
            ConnectionError: the broker cannot be reached now.
        """
        if self._client.publish(topic, payload).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise ConnectionError("the MQTT broker cannot be reached")

    def start(self, topics: tuple[str, ...], handle: Callable[[str, bytes], None]) -> None:
        """Subscribe, and call ``handle`` with every message in a thread, until ``stop``.

        Raises:
            DependencyUnavailable: the broker cannot be reached at the start.
        """

        def subscribe(client: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
            if reason.is_failure:
                warn("the MQTT broker refuses the connection: %s", reason)
                return
            client.subscribe([(topic, 0) for topic in topics])

        def received(_: Client, __: Any, message: MQTTMessage) -> None:
            handle(message.topic, message.payload)

        self._client.on_connect, self._client.on_message = subscribe, received
        try:
            self._client.connect(*self._address, keepalive=_KEEPALIVE)
        except OSError as error:
            host, port = self._address
            raise DependencyUnavailable(
                f"the MQTT broker {host}:{port} cannot be reached ({error})"
            ) from error
        self._client.loop_start()

    def join(self) -> None:
        """Wait until the client is stopped."""
        self._stopped.wait()

    def stop(self) -> None:
        """Disconnect, and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._stopped.set()


def send_at_once(_client: Client, _userdata: Any, opened: Any) -> None:
    """Switch off Nagle's algorithm, by which a message can wait 40 ms for an acknowledgement."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bridge_brokers(bridge: HermesBridge, rhasspy: Mqtt, skills: Mqtt) -> None:
    """Run a bridge between two brokers until ``rhasspy`` is stopped.

    Raises:
        DependencyUnavailable: a broker cannot be reached at the start.
    """
    skills.start((EVERYTHING,), bridge.from_skills)
    rhasspy.start((f"{INTENT}#", *sorted(DOWN)), bridge.from_rhasspy)
    rhasspy.join()
    skills.stop()


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise DependencyUnavailable(f"{file} cannot be read: {error.strerror}") from error
