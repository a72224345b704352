"""Which part may do what on Kafka, as one literal table, and the commands that grant it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from streams.kafka.topics import (
    DEAD_LETTERS,
    DECISIONS,
    HOUSEHOLDS,
    INCIDENTS,
    INTENTS,
    OUTCOMES,
    REPLIES,
    TOPICS,
)

__all__ = ["RIGHTS", "Part", "Right", "acl_commands"]

_EVERY_TOPIC = tuple(topic.name for topic in TOPICS)


class Part(StrEnum):
    """Who speaks with Kafka."""

    WORKER = "worker"
    GATEWAY = "gateway"
    #: A runtime that asks by Kafka itself; one that asks the gateway needs nothing here.
    RUNTIME = "runtime"
    TRAINER = "trainer"
    OPERATOR = "operator"
    #: Who gives the topics more partitions ('topics grow'), as long as it takes: it writes households' states.
    GROWER = "grower"


@dataclass(frozen=True, slots=True)
class Right:
    """Operations, in Kafka's words, on some topics; with no topic, on the workers' consumer group."""

    part: Part
    operations: tuple[str, ...]
    topics: tuple[str, ...]


#: Reading and writing include seeing that a topic is there.
RIGHTS: tuple[Right, ...] = (
    Right(Part.WORKER, ("Read",), (INTENTS, OUTCOMES)),
    # A record in another partition than its household's goes to that one.
    Right(Part.WORKER, ("Write",), (INTENTS, OUTCOMES, DECISIONS, REPLIES, DEAD_LETTERS)),
    # Its table: written as it decides, read when it starts.
    Right(Part.WORKER, ("Read", "Write"), (HOUSEHOLDS,)),
    # It looks at every topic's settings before it starts.
    Right(Part.WORKER, ("Describe", "DescribeConfigs"), _EVERY_TOPIC),
    Right(Part.WORKER, ("Read",), ()),
    Right(Part.GATEWAY, ("Write",), (INTENTS, OUTCOMES, INCIDENTS)),
    Right(Part.GATEWAY, ("Read",), (REPLIES,)),
    Right(Part.RUNTIME, ("Write",), (INTENTS, OUTCOMES)),
    Right(Part.RUNTIME, ("Read",), (REPLIES,)),
    Right(Part.TRAINER, ("Read",), (INTENTS, OUTCOMES)),
    # 'topics create', 'topics check', 'doctor'; whatever holds a household's records is looked through for its rights.
    Right(Part.OPERATOR, ("Create", "Describe", "DescribeConfigs", "Read"), _EVERY_TOPIC),
    # Commands of 'household', what 'redrive' sends again, and its receipts.
    Right(Part.OPERATOR, ("Write",), (INTENTS, OUTCOMES, DEAD_LETTERS)),
    Right(Part.GROWER, ("Alter", "Describe"), _EVERY_TOPIC),
    Right(Part.GROWER, ("Read", "Write"), (HOUSEHOLDS,)),
    Right(Part.GROWER, ("Describe",), ()),
)


def acl_commands(
    part: Part,
    principal: str,
    *,
    brokers: str,
    group: str,
    command_config: str | None = None,
    remove: bool = False,
) -> Iterator[str]:
    """Yield the commands of Kafka's own tool that grant ``part`` its rights, a line each.

    Args:
        part: whose rights.
        principal: who gets them, in Kafka's words: ``User:NAME``.
        brokers: the brokers' addresses.
        group: the workers' consumer group.
        command_config: the tool's own file of properties, with which its user comes in.
        remove: take the rights away again.

    >>> command, = acl_commands(Part.TRAINER, "User:trainer", brokers="kafka:9093", group="misfire-worker")
    >>> command.partition(" --operation")[0]
    'kafka-acls.sh --bootstrap-server kafka:9093 --add --allow-principal User:trainer'
    """
    for right in RIGHTS:
        if right.part is not part:
            continue
        command = ["kafka-acls.sh", "--bootstrap-server", brokers]
        command += ["--command-config", command_config] if command_config else []
        command += ["--remove", "--force"] if remove else ["--add"]
        command += ["--allow-principal", principal, *_each("--operation", right.operations)]
        command += _each("--topic", right.topics) if right.topics else ["--group", group]
        yield shlex.join(command)


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
