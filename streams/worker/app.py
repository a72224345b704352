"""Builds the Faust app: its settings, topics and table."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import faust

from streams.kafka.connection import Brokers, brokers_of
from streams.kafka.partitioner import partition_for
from streams.kafka.topic_ids import NONE_KNOWN, Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES
from streams.settings import Settings
from streams.worker.faust_transport import Transport
from streams.worker.recovered_table import HouseholdTable

__all__ = ["Parts", "build_app"]


#: Seconds between heartbeats at most. A worker learns from a heartbeat's answer that another one
#: joined or left, and takes over its households only then.
_HEARTBEAT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Parts:
    """The app, and the topics and table that its agents use."""

    app: Any
    intents: Any
    outcomes: Any
    table: Any


def build_app(settings: Settings, identities: Identities = NONE_KNOWN) -> Parts:
    """Build the worker's app without starting it. ``identities`` are the ids of its topics."""
    app = faust.App(
        settings.group,
        broker=[f"kafka://{broker}" for broker in settings.broker.split(",")],
        broker_credentials=_credentials(brokers_of(settings)),
        # The table is recovered from the changelog at every start, so nothing on disk can be stale.
        store="memory://",
        # With a store in memory, Faust drops a standby's states at each rebalance, and the next
        # owner recovers from the beginning (streams/operations/brokers.md).
        table_standby_replicas=0,
        datadir=tempfile.gettempdir(),
        # The agents decode the values: one that Faust cannot decode would crash them repeatedly.
        key_serializer="raw",
        value_serializer="raw",
        # 'misfire topics create' creates the topics with the right number of partitions.
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        # Faust's web server would listen on all addresses.
        web_enabled=False,
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        # No static membership: a worker that stops would keep its partitions for a whole session.
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(settings.session_timeout / 4, _HEARTBEAT_SECONDS),
        broker_commit_interval=0.5,
        producer_linger=0,
        producer_partitioner=partition_for,
        stream_wait_empty=False,
        Table=HouseholdTable,
    )
    app.transport = Transport(app, settings.fetch_max_wait, identities)
    changelog = app.topic(
        HOUSEHOLDS, partitions=settings.partitions, key_serializer="raw", value_serializer="raw"
    )
    return Parts(
        app=app,
        intents=app.topic(INTENTS, partitions=settings.partitions),
        outcomes=app.topic(OUTCOMES, partitions=settings.partitions),
        table=app.Table(
            "households",
            partitions=settings.partitions,
            changelog_topic=changelog,
        ),
    )


def _credentials(brokers: Brokers) -> Any:
    """Return the brokers' login and TLS as Faust's credentials."""
    if brokers.login is not None:
        login = brokers.login
        return faust.SASLCredentials(
            username=login.user,
            password=login.password,
            mechanism=login.mechanism,
            ssl_context=brokers.tls,
        )
    return None if brokers.tls is None else faust.SSLCredentials(brokers.tls)
