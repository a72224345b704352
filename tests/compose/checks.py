"""What must hold of the running Compose file. Each check returns a sentence for the report."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from streams.files.events import read_events
from streams.files.starter import STARTER
from tests.compose.stack import IMAGE, Stack
from tests.compose.starts import starts
from tests.compose.upgrade import volumes_of_an_earlier_version_start_under_this_file

__all__ = ["ALL"]

OURS = ("worker", "gateway")
#: Seconds that a loaded machine may need to train a bundle and try it.
_TRAINING_SECONDS = 1200


def the_image_is_built(stack: Stack) -> str:
    """Build apart, because the time depends on the package index."""
    stack.compose("build")
    stack.engine.run("docker", "run", "--rm", IMAGE, "--help")
    (image,) = json.loads(stack.engine.run("docker", "inspect", IMAGE))
    labels = {name.rpartition(".")[2]: text for name, text in image["Config"]["Labels"].items()}
    assert f"{labels['title']}:{labels['version']}" == IMAGE
    return f"{image['Size'] / 2**20:.0f} MiB with its base"


def up_answers_the_first_call(stack: Stack) -> str:
    """Measure from no container and no volume to the first decision of a worker.

    The build is apart: without a change it only compares the files with those of the last build.
    """
    stack.compose("build")
    began, at = time.monotonic(), datetime.now(UTC)
    stack.compose("up", "--detach")
    started = time.monotonic() - began
    stack.wait_for_worker()
    answered = time.monotonic() - began
    return (
        f"'up' returned after {started:.0f} s, first answer {answered:.0f} s;"
        f" started after seconds: {starts(stack, at)}"
    )


def every_service_is_healthy(stack: Stack) -> str:
    states = stack.wait_until_healthy()
    return f"{Counter(states.values())}"


def the_hook_allows_confirms_and_blocks(stack: Stack) -> str:
    found = stack.ask(0, 300)
    assert set(found["answers"]) == {"allow", "confirm", "block"}, found
    assert set(found["rungs"]) == {"worker"}, found
    return f"{dict(found['answers'])}, all by workers"


def users_limits_and_file_systems_are_as_written(stack: Stack) -> str:
    for service in OURS:
        for number, container in enumerate(stack.containers(service), 1):
            host = container["HostConfig"]
            assert host["ReadonlyRootfs"], service
            assert host["CapDrop"] == ["ALL"], service
            assert host["Memory"] == 2**30, service
            assert host["PidsLimit"] == 100, service
            assert host["NanoCpus"] == 10**9, service
            wrong = "id -u | grep -qx 10001 && ! touch /x && ! touch /bundle/x && touch /tmp/x"
            stack.execute(service, "sh", "-c", wrong, index=number)
            limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
            found = stack.execute(service, "sh", "-c", f"{limit} 2>/dev/null || :", index=number)
            assert str(2**30) in found, found
    owners = {
        ("worker", "/keys/confirmation_key"): "10001:10001 400",
        ("worker", "/keys"): "10001:10001 700",
        ("worker", "/bundle"): "10001:10001 755",
        ("worker", "/candidates"): "10001:10001 755",
        ("grafana", "/secrets/grafana_admin_password"): "472:0 400",
        ("kafka", "/var/lib/kafka/data"): "1000:0 755",
        ("prometheus", "/prometheus"): "65534:65534 755",
        ("alertmanager", "/alertmanager"): "65534:65534 755",
    }
    for (service, path), owner in owners.items():
        found = stack.execute(service, "stat", "-c", "%u:%g %a", path).strip()
        assert found == owner, (service, path, found)
    return f"{len(owners)} owners and modes"


def networks_separate_the_services(stack: Stack) -> str:
    connect = (
        "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)"
    )
    stack.execute("worker", "python", "-c", connect, "kafka", "19092")
    for name, port in (("kafka", "19092"), ("worker", "8751")):
        try:
            stack.execute("grafana", "python", "-c", connect, name, port)
        except RuntimeError:
            continue
        raise AssertionError(f"Grafana reaches {name}")
    stack.execute("grafana", "python", "-c", connect, "prometheus", "9090")
    return "Grafana reaches Prometheus, but neither Kafka nor workers"


def the_doctor_finds_only_what_the_calls_caused(stack: Stack) -> str:
    """The calls name an intent without a rule and have old times, and no pager is set."""
    wrong = stack.doctor()
    assert wrong <= {"intents", "alerts", "alert path"}, wrong
    return f"{', '.join(sorted(wrong)) or 'nothing'}"


def four_workers_share_the_partitions(stack: Stack) -> str:
    stack.compose("up", "--detach", "--scale", "worker=4")
    stack.wait_until_healthy()
    assert len(stack.containers("worker")) == 4
    found = stack.ask(500, 560)
    assert set(found["rungs"]) == {"worker"}, found
    return f"65 calls, {dict(found['rungs'])}"


def a_killed_worker_comes_back_and_calls_are_answered(stack: Stack) -> str:
    """Kill the process, not the container: the engine restarts only what ended by itself."""
    worker = stack.containers("worker")[0]
    stack.engine.run("kill", "-9", str(worker["State"]["Pid"]))
    found = stack.ask(560, 620)
    assert found["answers"].total() == 65
    stack.wait_until_healthy()
    after = stack.containers("worker")[0]
    assert after["RestartCount"] == worker["RestartCount"] + 1
    assert set(stack.ask(620, 640)["rungs"]) == {"worker"}
    return f"65 calls meanwhile, {dict(found['rungs'])}"


def down_and_up_keep_the_data(stack: Stack) -> str:
    household = read_events(stack.stream)[0].household_id
    files, records = _files(stack), stack.records(household)
    assert records["assistant.decisions"]
    stack.compose("down")
    assert not stack.states()
    began = time.monotonic()
    stack.compose("up", "--detach")
    stack.wait_for_worker()
    seconds = time.monotonic() - began
    stack.wait_until_healthy()
    assert _files(stack) == files
    assert not records - stack.records(household)
    return f"key, password and records kept; first answer {seconds:.0f} s"


def _files(stack: Stack) -> tuple[str, str]:
    return (
        stack.execute("worker", "sha256sum", "/keys/confirmation_key"),
        stack.execute("grafana", "sha256sum", "/secrets/grafana_admin_password"),
    )


def retraining_makes_a_candidate_that_shadows(stack: Stack) -> str:
    began = time.monotonic()
    stack.compose("--profile", "retrain", "up", "--detach")
    while time.monotonic() < began + _TRAINING_SECONDS:
        files = stack.execute("worker", "ls", "/candidates").split()
        if any(name.endswith(".backtest.json") for name in files):
            break
        time.sleep(5)
    else:
        raise RuntimeError(stack.compose("logs", "--tail=40", "retrain"))
    stack.execute("retrain", "test", "!", "-e", "/tmp/failed")
    found = stack.misfire("bundle", "channels")
    assert "shadow-retrained" in {each["channel"] for each in found["channels"]}, found
    return f"{', '.join(files)}"


def a_bundle_of_ones_own_decides(stack: Stack) -> str:
    """Start on fresh volumes with a bundle in a folder: a copy of the starter bundle."""
    stack.clear()
    own = stack.folder / "own"
    shutil.copytree(STARTER, own, dirs_exist_ok=True)
    mine = replace(stack, variables={"MISFIRE_BUNDLE": str(own)})
    found = up_answers_the_first_call(mine)
    for service in OURS:
        shown = mine.execute(service, "misfire", "config", "show", "--json", "-")
        assert '"value": "/bundle"' in shown, shown
        mine.execute(service, "test", "-s", "/bundle/manifest.json")
    return found


def nothing_is_left(stack: Stack) -> str:
    """Remove the containers and volumes of the last check as a user does."""
    stack.clear()
    left = stack.engine.left()
    assert not left, f"{', '.join(left)}: the next run removes them, or delete {stack.folder}"
    return "no container, no volume"


ALL: tuple[Callable[[Stack], str], ...] = (
    the_image_is_built,
    up_answers_the_first_call,
    every_service_is_healthy,
    the_hook_allows_confirms_and_blocks,
    users_limits_and_file_systems_are_as_written,
    networks_separate_the_services,
    the_doctor_finds_only_what_the_calls_caused,
    four_workers_share_the_partitions,
    a_killed_worker_comes_back_and_calls_are_answered,
    down_and_up_keep_the_data,
    retraining_makes_a_candidate_that_shadows,
    a_bundle_of_ones_own_decides,
    volumes_of_an_earlier_version_start_under_this_file,
    nothing_is_left,
)
