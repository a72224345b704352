"""What a machine lacks to run the Compose file, one sentence each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.compose.images import python_folder

__all__ = ["lacking"]

#: Each program that a run needs, and how to install it.
PROGRAMS = {
    "docker": "apt-get install docker.io",
    "dockerd": "apt-get install docker.io",
    "iptables": "apt-get install iptables",
    "slirp4netns": "apt-get install slirp4netns",
    "debootstrap": "apt-get install debootstrap",
    "unshare": "apt-get install util-linux",
    "nsenter": "apt-get install util-linux",
    "setpriv": "apt-get install util-linux",
    "ip": "apt-get install iproute2",
    "git": "apt-get install git",
    "java": "apt-get install default-jre-headless",
    "mvn": "apt-get install maven",
    "go": "install Go 1.24 or later",
}
_GIB = 2**30
#: Free disk for the images of a run, in GiB.
_DISK_GIB = 8


def lacking(folder: Path) -> list[str]:
    """Return what is missing for a run whose files are in ``folder``."""
    found = [] if os.geteuid() == 0 else ["this needs root, because only root starts containers"]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    found += [
        f"{program} is not on the PATH: {advice}"
        for program, advice in PROGRAMS.items()
        if shutil.which(program, path=path) is None
    ]
    if python_folder() is None:
        found.append("no Python 3.12 was found: install one, for example with pyenv")
    if not any(Path("/sys/fs/cgroup").glob("*")):
        found.append("no control groups are mounted on /sys/fs/cgroup")
    free = shutil.disk_usage(folder).free
    if free < _DISK_GIB * _GIB:
        found.append(f"{folder} has {free / _GIB:.1f} GiB of free disk; {_DISK_GIB} are needed")
    return found
