"""What holds for every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

# A slow machine is no reason to fail, so examples have no deadline.
settings.register_profile("misfire", deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=2_000)
settings.load_profile("misfire")

#: Makes a folder by a function, unless another process of the run has made it.
OnceARun = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once_a_run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> OnceARun:
    """Return a function that makes a folder of a given name once, for all processes of a parallel run."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def make(name: str, making: Callable[[Path], object]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).is_dir():
                making(shared / name)
        return shared / name

    return make
