"""Runs ``misfire operator``, which serves the operator API and the desk."""

from __future__ import annotations

import logging

from streams.desk.access import PREFIX
from streams.desk.app import build_desk
from streams.desk.index import Index
from streams.desk.tail import Tail
from streams.kafka.connection import brokers_of
from streams.privacy.operator_api import Admission, Places, build_operator
from streams.privacy.own_token import own_token
from streams.serving.access.guard import Guard
from streams.serving.access.listening import check_edge, listen, server_options
from streams.serving.server import Server
from streams.settings import Settings
from streams.wire.host_names import named_hosts

__all__ = ["run_operator"]

logger = logging.getLogger(__name__)


def run_operator(settings: Settings) -> None:
    """Serve until the process is stopped.

    Raises:
        DependencyUnavailable: the port is in use, or a certificate, password, access or token file
            is missing.
        UsageError: the API would be open to a network, or settings contradict each other.
    """
    check_edge(settings, "operator")
    tls = server_options(settings)
    own = own_token(settings.operator_token_file) if settings.access_file is None else None
    guard = Guard(settings.access_file, own)
    brokers, index = brokers_of(settings), Index()
    tail, places = Tail(brokers, index), Places()
    desk = build_desk(guard, index, tail, Admission(brokers, places), settings=settings)
    app = build_operator(
        brokers,
        guard,
        named_hosts(settings.allowed_hosts),
        settings.operator_host,
        places=places,
        pages=(PREFIX, desk),
        settings=settings,
    )
    listening = listen(settings.operator_host, settings.operator_port)
    address = "{}:{}".format(*listening.getsockname()[:2])
    scheme = "https" if tls else "http"
    logger.info("the operator API listens on %s://%s", scheme, address)
    logger.info("the desk is at %s://%s%s/", scheme, address, PREFIX)
    tail.start()
    try:
        Server(app, listening, tls).serve_until_stopped()
    finally:
        tail.stop()
