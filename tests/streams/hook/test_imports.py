"""What ``from streams.hook import Hook`` loads into a host's process, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import streams.hook

#: Packages that are heavy, belong to the services, or register metrics for the whole process.
FOREIGN = {
    *(
        "aiohttp",
        "aiokafka",
        "fastapi",
        "faust",
        "hmmlearn",
        "kafka",
        "matplotlib",
        "mode",
        "numpy",
        "opentelemetry",
    ),
    *(
        "prometheus_client",
        "rich_click",
        "scipy",
        "sklearn",
        "starlette",
        "threadpoolctl",
        "uvicorn",
        "uvloop",
    ),
}
#: Modules of the model, the metrics and the services.
OURS = {
    *(
        "detector.decision.bundle",
        "detector.decision.questions",
        "detector.decision.decide",
        "streams.embedded",
        "streams.files.bundles",
        "streams.telemetry.metrics",
    ),
    *(
        "streams.gateway.routes",
        "streams.gateway.requests",
        "streams.telemetry.instruments",
        "streams.telemetry.recording",
        "streams.settings",
    ),
}

LOOK = """
import json, locale, logging, os, random, signal, ssl, sys, threading, warnings
warnings.simplefilter("error")

def state():
    return {
        "environment": dict(os.environ),
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "loggers": [logging.root.level, len(logging.root.handlers)],
        "handlers": logging.getLogger("streams").handlers,
        "locale": locale.setlocale(locale.LC_ALL),
        "random": hash(random.getstate()),
        "threads": threading.active_count(),
        "https": ssl._create_default_https_context.__name__,
        "hooks": [str(sys.excepthook), str(threading.excepthook), str(sys.unraisablehook)],
        "directory": os.getcwd(),
        "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
        "filters": len(warnings.filters),
    }

import httpx, pydantic
import asyncio
before, policy = state(), asyncio.get_event_loop_policy()
from streams.hook import Hook
changed = [name for name, value in state().items() if value != before[name]]
if asyncio.get_event_loop_policy() is not policy:
    changed.append("policy")
hook = Hook("http://127.0.0.1:9")
made = [name for name, value in state().items() if value != before[name]]
print(json.dumps({"modules": sorted(sys.modules), "changed": changed, "made": made}))
"""


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PROMETHEUS_MULTIPROC_DIR": "/nowhere/at/all",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        capture_output=True,
        check=False,
        cwd=tmp_path_factory.mktemp("host"),
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_client_imports_no_model_service_or_registry(looked: dict[str, Any]) -> None:
    modules = set(looked["modules"])
    assert {module.partition(".")[0] for module in modules} & FOREIGN == set()
    assert modules & OURS == set()


def test_importing_the_client_changes_nothing_in_the_process(looked: dict[str, Any]) -> None:
    assert (looked["changed"], looked["made"]) == ([], [])


def test_every_public_name_resolves() -> None:
    names = streams.hook.__all__
    assert names == sorted(names)
    assert all(getattr(streams.hook, name) is not None for name in names)
    wanted = (
        "Act AsyncHook Decision EmbeddedHook Hook IntentEvent Outcome OutcomeKind Tokens Verdict"
    )
    assert set(wanted.split()) <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Hooks'"):
        _ = streams.hook.Hooks
