"""Access rights of each part on Kafka, as one table, and the commands that grant them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from streams.kafka.topics import (
    BUNDLES,
    DEAD_LETTERS,
    DECISIONS,
    HOUSEHOLDS,
    INCIDENTS,
    INTENTS,
    LABELS,
    OUTCOMES,
    REPLIES,
    RULES,
    SHADOWS,
    TOPICS,
)

__all__ = ["RIGHTS", "Part", "Right", "acl_commands"]

_EVERY_TOPIC = tuple(topic.name for topic in TOPICS)


class Part(StrEnum):
    """A part of misfire, or a client of it, that connects to Kafka."""

    WORKER = "worker"
    GATEWAY = "gateway"
    #: A runtime that sends events over Kafka. A runtime that calls the gateway needs no rights.
    RUNTIME = "runtime"
    TRAINER = "trainer"
    OPERATOR = "operator"
    #: Announces bundles ('bundle promote', 'bundle rollback', and the operator API if it may).
    PROMOTER = "promoter"
    #: The operator while 'topics grow' runs: it adds partitions and writes household states.
    GROWER = "grower"


@dataclass(frozen=True, slots=True)
class Right:
    """Operations, by Kafka's names, on topics. Without topics: on the workers' consumer group."""

    part: Part
    operations: tuple[str, ...]
    topics: tuple[str, ...]


#: In Kafka, Read and Write imply Describe.
RIGHTS: tuple[Right, ...] = (
    Right(Part.WORKER, ("Read",), (INTENTS, OUTCOMES, BUNDLES, RULES)),
    # It forwards a record that is in the wrong partition to the partition of its household.
    Right(Part.WORKER, ("Write",), (INTENTS, OUTCOMES, DECISIONS, LABELS, REPLIES, DEAD_LETTERS)),
    # Where its shadow bundles disagree.
    Right(Part.WORKER, ("Write",), (SHADOWS,)),
    # The changelog of its table: written with each decision, read at the start.
    Right(Part.WORKER, ("Read", "Write"), (HOUSEHOLDS,)),
    # It checks the settings of every topic before it starts.
    Right(Part.WORKER, ("Describe", "DescribeConfigs"), _EVERY_TOPIC),
    Right(Part.WORKER, ("Read",), ()),
    Right(Part.GATEWAY, ("Write",), (INTENTS, OUTCOMES, INCIDENTS)),
    Right(Part.GATEWAY, ("Read",), (REPLIES, BUNDLES, RULES)),
    Right(Part.RUNTIME, ("Write",), (INTENTS, OUTCOMES)),
    Right(Part.RUNTIME, ("Read",), (REPLIES,)),
    Right(Part.TRAINER, ("Read",), (INTENTS, OUTCOMES, LABELS)),
    # For 'topics create', 'topics check' and 'doctor', and to export a household's records.
    Right(Part.OPERATOR, ("Create", "Describe", "DescribeConfigs", "Read"), _EVERY_TOPIC),
    # For the commands of 'household', for labels, for rules, and for 'redrive' and its receipts.
    Right(Part.OPERATOR, ("Write",), (INTENTS, OUTCOMES, RULES, DEAD_LETTERS)),
    # It marks in the log from where on an announced bundle decides.
    Right(Part.PROMOTER, ("Read", "Write"), (INTENTS, BUNDLES)),
    # The workers' answers: which bundles they have read.
    Right(Part.PROMOTER, ("Read",), (REPLIES,)),
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
    """Yield the ``kafka-acls.sh`` commands that grant a part its rights, one per line.

    Args:
        part: the part that gets the rights.
        principal: the Kafka principal, ``User:NAME``.
        brokers: addresses of the brokers.
        group: the workers' consumer group.
        command_config: properties file with which the tool authenticates.
        remove: yield the commands that revoke the rights instead.

    >>> command, = acl_commands(
    ...     Part.TRAINER, "User:trainer", brokers="kafka:9093", group="misfire-worker"
    ... )
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
