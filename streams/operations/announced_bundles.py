"""Checks that every partition is decided by the bundle that was announced last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.lifecycle.feed import read_channels
from streams.lifecycle.in_use import bundles_in_use
from streams.operations.findings import Finding
from streams.wire.announcements import ACTIVE, Channel, InUse

__all__ = ["announced", "judge"]

#: Seconds for the workers to answer. One that is idle answers at once.
_PATIENCE = 5.0
_PART = "announced"


def announced(brokers: Brokers) -> Iterator[Finding]:
    """Compare what each worker decides with, partition by partition, with the announcement."""
    try:
        channel = read_channels(brokers).get(ACTIVE)
    except DependencyUnavailable as error:
        yield Finding(_PART, False, str(error))
        return
    if channel is None or channel.latest is None:
        yield Finding(_PART, True, "no bundle was announced; each process uses its own")
        return
    yield judge(channel, *bundles_in_use(brokers, _PATIENCE))


def judge(channel: Channel, partitions: Sequence[int], answers: Mapping[int, InUse]) -> Finding:
    """Return the finding about the active channel.

    Args:
        channel: the active channel.
        partitions: every partition of ``assistant.intents``.
        answers: what the worker of each partition uses.
    """
    latest = channel.latest
    if latest is None:
        raise ValueError("the channel has no announcement")
    version = "that of each process" if latest.bundle is None else latest.bundle.version
    which = f"announcement {latest.number} (bundle {version}, by {latest.who})"
    if latest.since is None:
        text = f"{which} is unfinished; run 'misfire bundle promote' or 'rollback' again"
        return Finding(_PART, False, text)
    problems = []
    for partition in partitions:
        answer = answers.get(partition)
        if answer is None:
            problems.append(f"the worker of partition {partition} does not say what it uses")
        elif (why := answer.refused.get(str(latest.number))) is not None:
            problems.append(f"partition {partition} uses {answer.bundle} ({answer.worker}): {why}")
        elif answer.announcement != latest.number:
            problems.append(
                f"partition {partition} uses {answer.bundle} of announcement "
                f"{answer.announcement} ({answer.worker})"
            )
    if latest.bundle is None and len({each.bundle for each in answers.values()}) > 1:
        problems.append("the processes were started with different bundles")
    if problems:
        return Finding(_PART, False, f"{which} does not decide everywhere: {'; '.join(problems)}")
    return Finding(_PART, True, f"{which} decides in every partition")
