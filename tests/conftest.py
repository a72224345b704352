"""Fixtures and Hypothesis profiles for all tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from streams.telemetry.instruments import Catalogue

# No deadline for examples: a slow machine must not fail a test. Few examples keep `make check`
# short; each run draws others.
settings.register_profile("misfire", deadline=None, max_examples=50)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.load_profile("misfire")

_ON_KAFKA = re.compile(r"[\[-]kafka[\]-]")


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist is untyped
    """Distributes test functions, but an integration module or all tests on Kafka together.

    The parameters of a function stay together because the time that the scheduler needs for a test
    grows with the number of groups.
    """

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith("tests/integration/"):
            return nodeid.partition("[")[0]
        return "kafka" if _ON_KAFKA.search(nodeid) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Share out the tests of a parallel run: one Kafka is started, and each installation once.

    The groups of pytest-xdist 3.8 (``--dist loadgroup``) have no effect with pytest 9.2.
    """
    return _Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _all_metrics_registered() -> Iterator[None]:
    """Keep a service that a test begins in its process from unregistering the metrics of others."""
    with mock.patch.object(Catalogue, "show_only"):
        yield


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
                making(shared / name)
        return shared / name

    return make
