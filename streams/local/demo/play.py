"""Runs the demo from start to end: population, bundle, histories, stories, counts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from rich.console import Console

from detector.contracts.decisions import Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.decision.bundle import Bundle
from detector.policy.parsing import parse_policy
from detector.progress import Progress
from detector.simulation.households import simulate, with_misfires
from detector.training.train import train
from streams.files.policy import read_policy
from streams.local.demo.cast import Cast, Member, find_cast
from streams.local.demo.runtime import Runtime
from streams.local.demo.stories import STORIES, Stage, StoryResult
from streams.local.demo.summary import Summary, summarise
from streams.local.demo.table import StoryTable
from streams.local.demo.topic_counts import Ledger
from streams.local.stack import Stack
from streams.operations.replay import send_events

__all__ = ["Scale", "World", "make_bundle", "make_world", "play"]

#: The simulation starts on a Monday; it is shifted by whole weeks so that the stories happen today.
_START = datetime(2026, 1, 5, tzinfo=UTC)
#: The stories happen at their households' usual hours, whatever the time is now, so the demo's
#: policy accepts device clocks that differ by up to a day.
_SKEW = ("skew_seconds = 600.0", "skew_seconds = 86400.0")
#: How many further households, misfires included, send their streams through the worker.
_NEIGHBOURS = 8
_MISFIRE_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of the population."""

    households: int = 120
    days: int = 14


@dataclass(frozen=True, slots=True)
class World:
    """The simulated data of a demo.

    Attributes:
        clean: the population's meant events in order of time, to train the bundle on.
        traffic: the neighbours' and the cast's histories in order of time.
        misfires: ids of the events in ``traffic`` that are misfires.
        cast: the households of the stories.
        day: midnight of today, at most a week after the histories.
    """

    clean: Sequence[IntentEvent]
    traffic: Sequence[IntentEvent]
    misfires: frozenset[str]
    cast: Cast
    day: datetime


def make_world(seed: int, scale: Scale, progress: Progress) -> World:
    """Simulate all households. Their ids are unique, so that a Kafka can serve several demos."""
    run = secrets.token_hex(3)
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    shift = timedelta(weeks=(day - _START - timedelta(days=scale.days)) // timedelta(weeks=1))
    total = scale.households + _NEIGHBOURS
    population = simulate(total, scale.days, seed=seed, start=_START, progress=progress)
    events, labels = with_misfires(population, rate=_MISFIRE_RATE, seed=seed)
    misfires = frozenset(event_id for event_id, _, _ in labels)
    neighbours = set(list(population.profiles)[scale.households :])
    cast = find_cast(seed=seed, days=scale.days, first=total)
    cast = Cast(*(_renamed(member, run, shift) for member in cast.members))
    traffic = [_of_run(event, run, shift) for event in events if event.household_id in neighbours]
    traffic += [event for member in cast.members for event in member.events]
    return World(
        clean=[
            replace(event, time=event.time + shift)
            for event in events
            if event.household_id not in neighbours and event.event_id not in misfires
        ],
        traffic=sorted(traffic, key=lambda event: (event.time, event.event_id)),
        misfires=misfires,
        cast=cast,
        day=day,
    )


def make_bundle(world: World, seed: int, progress: Progress) -> Bundle:
    """Train a bundle on the population's meant events."""
    return train(
        world.clean,
        parse_policy(read_policy().text.replace(*_SKEW)),
        seed=seed,
        source="households simulated by misfire demo",
        progress=progress,
    ).bundle


def play(
    stack: Stack,
    world: World,
    *,
    seed: int,
    bars: Callable[[], AbstractContextManager[Progress]],
    console: Console,
) -> Summary:
    """Send the histories through the worker, play the stories, and count the topics' records."""
    ledger = Ledger(stack.brokers, {event.household_id for event in world.traffic})
    history = [event.event_id for event in world.traffic]
    runtime = Runtime(stack.gateway_url, lambda _: None, stack.confirmation_key)
    with bars() as progress:
        send_events(stack.brokers, world.traffic, progress=progress, stage="sending histories")
        ledger.wait_for(history, stage="deciding on histories", progress=progress)
        _confirm(runtime, world, ledger, progress)
    results: dict[str, StoryResult] = {}
    rng = np.random.default_rng([seed, 2])
    for story in STORIES:
        with StoryTable(f"{story.name}. {story.happens}", console) as table:
            runtime.show = table.add
            stage = Stage(runtime, stack, world.cast, world.day, rng, table.say)
            results[story.name] = story.play(stage)
            for problem in results[story.name].problems:
                table.say(f"WRONG: {problem}")
    counts = ledger.count([*history, *(call.event.event_id for call in runtime.calls)])
    ledger.close()
    runtime.close()
    return summarise(
        results,
        world.traffic,
        world.misfires,
        decisions=ledger.decisions,
        calls=runtime.calls,
        counts=counts,
    )


def _confirm(runtime: Runtime, world: World, ledger: Ledger, progress: Progress) -> None:
    """Confirm the meant commands that were not allowed, if their questions are still open."""
    questioned = [
        event
        for event in world.traffic
        if event.event_id not in world.misfires
        and ledger.decisions[event.event_id].effective_verdict is not Verdict.ALLOW
    ]
    for number, event in enumerate(questioned):
        progress("confirming what was meant", number, len(questioned))
        if runtime.confirm(event, ledger.decisions[event.event_id]):
            runtime.report(event, OutcomeKind.EXECUTED)
    if questioned:
        progress("confirming what was meant", len(questioned), len(questioned))


def _renamed(member: Member, run: str, shift: timedelta) -> Member:
    profile = replace(member.profile, household_id=f"{member.profile.household_id}-{run}")
    return Member(profile, [_of_run(event, run, shift) for event in member.events])


def _of_run(event: IntentEvent, run: str, shift: timedelta) -> IntentEvent:
    return replace(event, household_id=f"{event.household_id}-{run}", time=event.time + shift)
