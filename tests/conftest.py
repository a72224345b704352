"""Fixtures and Hypothesis profiles for all tests."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from streams.telemetry.instruments import Catalogue
from tests.commands import log_levels

# No deadline for examples: a slow machine must not fail a test. Few examples keep `make check`
# short; each run draws others.
settings.register_profile("misfire", deadline=None, max_examples=25)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.load_profile("misfire")

_ON_KAFKA = re.compile(r"[\[-]kafka[\]-]")


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist is untyped
    """Distributes modules, so that the fixtures of a module are made once.

    The tests on Kafka form two groups, and each group starts its own Kafka: those that wait for
    alerts take as long as all others.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if not module.startswith("tests/integration/") or not _ON_KAFKA.search(nodeid):
            return module
        return "alerts on kafka" if "/test_alerting" in module else "kafka"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share out the tests of a parallel run.

    The groups of pytest-xdist 3.8 (``--dist loadgroup``) have no effect with pytest 9.2.
    """
    return _Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the tests on Kafka, then the modules with a slow test."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not _ON_KAFKA.search(item.name), item.path not in long))


@pytest.fixture(scope="session", autouse=True)
def _all_metrics_registered() -> Iterator[None]:
    """Keep a service that a test begins in its process from unregistering the metrics of others."""
    with mock.patch.object(Catalogue, "show_only"):
        yield


@pytest.fixture(autouse=True)
def _levels_unchanged() -> Iterator[None]:
    """Fail a test that leaves another log level behind: later tests would miss messages."""
    before = _own_levels()
    yield
    assert _own_levels() == before


def _own_levels() -> tuple[int, int, dict[str, int]]:
    own = {name: level for name, level in log_levels().items() if name.startswith("streams")}
    return logging.root.level, logging.root.manager.disable, own


#: Returns the folder of this name, made by the function once in a run.
OnceARun = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once_a_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> OnceARun:
    """Return a function that makes a named folder once for all processes of a parallel run."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def make(name: str, making: Callable[[Path], object]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).is_dir():
                # One process may fail half-way, for example at its timeout.
                shutil.rmtree(shared / f"{name}.part", ignore_errors=True)
                making(shared / f"{name}.part")
                (shared / f"{name}.part").rename(shared / name)
        return shared / name

    return make
