"""The contract of every hook, with the client, a gateway and a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.files.bundles import write_bundle
from streams.hook import CommandHook, Hook
from streams.local.embedded_broker import EmbeddedBroker
from tests.detector.builders import hand_bundle
from tests.integration.test_gateway import PATIENT_MS, gateway
from tests.integration.worker import Worker, prepare
from tests.streams.hook_contract import HookContract


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("contract")
    write_bundle(hand_bundle(), folder / "bundle")
    with EmbeddedBroker() as broker:
        prepare(broker)
        with (
            Worker(broker, folder / "bundle", folder / "worker") as worker,
            gateway(broker.bootstrap, folder / "bundle", folder / "gateway") as found,
        ):
            worker.wait_ready()
            yield found


@pytest.fixture
def hook(url: str) -> Iterator[CommandHook]:
    with Hook(url, deadline_ms=PATIENT_MS) as found:
        yield found


class TestHookAtAGateway(HookContract):
    """Everything that holds for a hook holds for the client of a gateway."""
