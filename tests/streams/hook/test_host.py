"""Real host processes: forks, threads, exits and logging with a hook in them.

Importing the hook takes most of the time of such a process. Where the import itself is not tested,
one process imports it and forks a host for each test. A host runs its code at the top level of
``__main__`` and ends as the interpreter ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

BEGIN = """
import asyncio, os, signal, sys, threading
from datetime import UTC, datetime
from streams.hook import Act, AsyncHook, Hook, IntentEvent
from streams.hook import Outcome, OutcomeKind, OutcomeSource, Verdict

COMMAND = IntentEvent(event_id="e1", time=datetime.now(UTC), household_id="h1", device_id="d1",
                      session_id="s1", intent="locks.Unlock", act=Act.INITIATE, commits=True)
OUTCOME = Outcome(event_id="e1", household_id="h1", outcome=OutcomeKind.EXECUTED,
                  source=OutcomeSource.RUNTIME, time=datetime.now(UTC))

def answered(hook):
    decision = hook.decide(COMMAND)
    assert decision.degraded and decision.effective_verdict is not Verdict.ALLOW, decision
    assert hook.report(OUTCOME) is False
    return decision.reasons[0].code

def children(count, work):
    for _ in range(count):
        child = os.fork()
        if child == 0:
            try:
                work()
            except BaseException as error:
                os.write(2, repr(error).encode())
                os._exit(1)
            os._exit(0)
    for _ in range(count):
        _, status = os.wait()
        assert status == 0, status
"""

HOOK = """
hook = Hook("http://127.0.0.1:9", deadline_ms=10_000)
"""

#: Forks a host for each line of its input; the child leaves the loop. Prints the exit codes.
FORK = """
import json
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    os._exit(0)
given = json.loads(line)
os.chdir(given["folder"])
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(os.open("stdout", os.O_WRONLY | os.O_CREAT), 1)
os.dup2(os.open("stderr", os.O_WRONLY | os.O_CREAT), 2)
os.closerange(3, 32)
exec(given["body"])
"""

Host = Callable[[str, Path], subprocess.CompletedProcess[bytes]]


def command(code: str) -> list[str]:
    return [sys.executable, "-W", "error", "-c", code]


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | variables


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """Return a function that runs a host in a folder and returns its output."""
    with subprocess.Popen(
        command(BEGIN + FORK),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as forking:
        stdin, stdout = forking.stdin, forking.stdout
        assert stdin
        assert stdout

        def run(body: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
            stdin.write(json.dumps({"body": HOOK + body, "folder": str(folder)}) + "\n")
            stdin.flush()
            code = int(stdout.readline())
            outputs = [(folder / name).read_bytes() for name in ("stdout", "stderr")]
            return subprocess.CompletedProcess(body, code, *outputs)

        yield run
        stdin.close()


def well(done: subprocess.CompletedProcess[bytes], said: bytes = b"") -> None:
    # Without a logging configuration, Python writes warnings to standard error.
    lines = [line for line in done.stderr.splitlines() if not line.startswith(b"misfire: ")]
    assert (done.returncode, lines, done.stdout.strip()) == (0, [], said)


@pytest.mark.parametrize("folder", ["/nowhere/at/all", "", "/proc/1/mem", "relative"])
def test_a_missing_multiprocess_folder_does_not_affect_the_client(
    folder: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        command(f"{BEGIN}{HOOK}print(answered(hook))"),
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=environment(PROMETHEUS_MULTIPROC_DIR=folder),
        timeout=100,
    )
    well(done, b"gateway_unreachable")


def test_the_hosts_registry_contains_only_the_hosts_metrics(host: Host, tmp_path: Path) -> None:
    body = """
from prometheus_client import REGISTRY, Counter
Counter("misfire_events_total", "The host may use any name.")
before = {name for name in REGISTRY._names_to_collectors}
answered(hook)
assert {name for name in REGISTRY._names_to_collectors} == before
from prometheus_client import metrics_core
samples = [sample for family in REGISTRY.collect() for sample in family.samples]
assert any("created" in sample.name for sample in samples), "created series are gone"
"""
    well(host(body, tmp_path))


@pytest.mark.slow
def test_a_hook_works_in_workers_forked_before_and_after_the_first_call(
    host: Host, tmp_path: Path
) -> None:
    body = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns about any fork beside a thread
children(4, lambda: answered(hook))
answered(hook)
children(4, lambda: answered(hook))
# A child that is forked while another thread logs may find a handler's lock held for ever. That
# concerns every log line of a host; here the locks of the hook are tested.
import logging
logging.getLogger("streams.hook").addHandler(logging.NullHandler())
def ask(): return [hook.decide(COMMAND) for _ in range(50)]
busy = [threading.Thread(target=ask) for _ in range(4)]
[thread.start() for thread in busy]
children(8, lambda: answered(hook))
[thread.join() for thread in busy]
print(answered(hook) in ("gateway_unreachable", "gateway_resting"))
"""
    well(host(body, tmp_path), b"True")


@pytest.mark.parametrize(
    "ending",
    [
        "",
        "sys.exit(0)",
        "import atexit; atexit.register(lambda: answered(hook))",
        "threading._register_atexit(lambda: answered(hook))",
        "class Late:\n    def __del__(self): hook.close()\nlate = Late()",
        "hook.close(); hook.close()",
        (
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "os.kill(os.getpid(), signal.SIGTERM)"
        ),
    ],
)
def test_the_hook_does_not_prevent_the_end_of_the_process(
    ending: str, host: Host, tmp_path: Path
) -> None:
    well(host(f"answered(hook)\n{ending}", tmp_path))


def test_a_hung_call_does_not_delay_the_end_of_the_process(host: Host, tmp_path: Path) -> None:
    body = """
from streams.hook import Tokens
from streams.files.keyring import new_keyring
class Store:
    def secret(self, household_id): threading.Event().wait()
    def forget(self, household_id): return False
tokens = Tokens(new_keyring("t", datetime.now(UTC)), Store())
print(answered(Hook("http://127.0.0.1:9", deadline_ms=150, tokens=tokens)))
"""
    well(host(body, tmp_path), b"secret_unavailable")


@pytest.mark.parametrize(
    "closing",
    ["sys.stderr.close()", "sys.stderr = None", "os.close(2)", "os.close(1); os.close(2)"],
)
def test_a_hook_works_with_closed_outputs(closing: str, host: Host, tmp_path: Path) -> None:
    done = host(
        f"{closing}\ncode = answered(hook)\nos._exit(0 if code == 'gateway_unreachable' else 1)",
        tmp_path,
    )
    assert done.returncode == 0


def test_a_hook_works_without_free_file_descriptors(host: Host, tmp_path: Path) -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
decision = hook.decide(COMMAND)
assert decision.degraded
print(decision.reasons[0].code)
"""
    done = host(body, tmp_path)
    # asyncio itself warns about the loop that it could not create.
    assert (done.returncode, done.stdout.strip()) == (0, b"client_error")


def test_the_hosts_event_loop_policy_is_not_changed(host: Host, tmp_path: Path) -> None:
    body = """
class Refusing(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self): raise AssertionError("the host's policy was used")
asyncio.set_event_loop_policy(Refusing())
print(answered(hook))
"""
    well(host(body, tmp_path), b"gateway_unreachable")


def test_a_signal_interrupts_a_call(host: Host, tmp_path: Path) -> None:
    body = """
import socket
silent = socket.create_server(("127.0.0.1", 0))
slow = Hook(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_ms=60_000)
signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
signal.setitimer(signal.ITIMER_REAL, 0.3)
try:
    slow.decide(COMMAND)
except KeyboardInterrupt:
    print("interrupted")
print(answered(hook))
silent.close()
"""
    well(host(body, tmp_path), b"interrupted\ngateway_unreachable")
