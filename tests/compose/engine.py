"""A Docker engine in namespaces of its own; whatever it starts ends with it.

Debian's docker.io, iptables and slirp4netns are enough. Ports, bridges and firewall rules of the
engine exist only in its network namespace. slirp4netns lets builds reach package registries.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.compose.leftovers import ACCOUNTING, cgroup, remove_cgroup

__all__ = ["Engine", "engine"]

_START = """
if [ -d {accounting} ]; then
    mkdir -p {accounting}/{cgroup}
    echo 0 > {accounting}/{cgroup}/cgroup.procs
fi
mount -t tmpfs none /run
ip link set lo up
exec dockerd --data-root "$0/docker" --exec-root /run/docker --pidfile /run/docker.pid \
    --host "unix://$0/docker.sock" --cgroup-parent {cgroup} --dns 10.0.2.3
"""


class Engine:
    """Commands for a running engine, whose files are below ``folder``."""

    def __init__(self, folder: Path, pid: int) -> None:
        self._enter = ["nsenter", f"--target={pid}", "--net", "--mount", "--pid"]
        # The engine of Debian 12 has no BuildKit that buildx could use.
        self._environment = os.environ | {
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_BUILDKIT": "0",
        }

    def start(
        self, *command: str, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the engine's namespaces, in ``folder``."""
        return subprocess.run(
            # nsenter's --wd stays outside of the mount namespace, where it has no path.
            [*self._enter, "env", f"--chdir={folder or Path.cwd()}", *command],
            env=self._environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, *command: str, folder: Path | None = None, **variables: str) -> str:
        """Run a command and return its output; it must succeed."""
        done = self.start(*command, folder=folder, **variables)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}")
        return done.stdout

    def left(self) -> list[str]:
        """Name each container, also one of a build, and each volume."""
        each = "--format=container {{.Names}} of {{.Image}} ({{.Status}})"
        lines = self.run("docker", "ps", "--all", each)
        lines += self.run("docker", "volume", "ls", "--format=volume {{.Name}}")
        return lines.splitlines()

    def empty(self) -> None:
        """Remove all containers, also those of builds that were killed, and all volumes."""
        for kind, listed in (("container", ("ls", "--all")), ("volume", ("ls",))):
            if names := self.run("docker", kind, *listed, "--quiet").split():
                self.run("docker", kind, "rm", "--force", *names)


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Start an engine; end it with all its containers and networks afterwards."""
    with (folder / "dockerd.log").open("wb") as log:
        options = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        script = _START.format(cgroup=cgroup(), accounting=ACCOUNTING)
        outer = _begin(["unshare", *options, "sh", "-euc", script, str(folder)], log)
        network = None
        try:
            pid = _child(outer)
            slirp = ["slirp4netns", "--configure", "--disable-host-loopback"]
            network = _begin([*slirp, str(pid), "tap0"], log)
            started = Engine(folder, pid)
            _wait_until_ready(started, outer, folder / "dockerd.log")
            yield started
        finally:
            for process in (outer, network):
                if process is not None:
                    process.kill()
                    process.wait()
            remove_cgroup()


def _begin(command: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills when this process ends, however it ends."""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _child(outer: subprocess.Popen[bytes]) -> int:
    """Return the process that unshare made; it has the new namespaces."""
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    for _ in range(100):
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.05)
    raise RuntimeError("unshare started no process")


def _wait_until_ready(started: Engine, outer: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(120):
        if started.start("docker", "info").returncode == 0:
            return
        if outer.poll() is not None:
            break
        time.sleep(0.5)
    raise RuntimeError(f"dockerd did not start:\n{log.read_text()[-4000:]}")
