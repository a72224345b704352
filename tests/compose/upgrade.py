"""The volumes that an earlier version made, under the present Compose file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from tests.compose.stack import IMAGE, Applied, Stack
from tests.earlier_version import checkout

__all__ = ["volumes_of_an_earlier_version_start_under_this_file"]

#: The bundle of that version. Its first start would train one for minutes.
_BUNDLE = "/earlier/streams/files/starter/bundle"
#: The code of the earlier version with the present dependencies.
_DOCKERFILE = f"""\
FROM {IMAGE}
COPY detector /earlier/detector
COPY streams /earlier/streams
COPY dashboards /earlier/dashboards
ENV PYTHONPATH=/earlier
"""
_PASSWORD = "/secrets/grafana_admin_password"


def volumes_of_an_earlier_version_start_under_this_file(stack: Stack) -> str:
    """Decide with the earlier version, start this one on its volumes, and count every event."""
    stack.clear()
    before, password, old_records = _earlier_installation(stack)
    began = time.monotonic()
    stack.compose("up", "--build", "--detach")
    stack.wait_for_worker()
    seconds = time.monotonic() - began
    stack.wait_until_healthy()
    after = stack.applied()
    lost = {name: n for name, n in before.events.items() if after.events.get(name, 0) < n}
    assert not lost, lost
    stack.ask(200, 240)
    later = stack.applied(at_least=after.total + 45)
    assert later.total == after.total + 45, (after.total, later.total)
    assert later.dead_letters == before.dead_letters == 0, later.dead_letters
    assert later.events.keys() >= before.events.keys()
    household = max(before.events, key=lambda name: before.events[name])
    assert not old_records[household] - stack.records(household)
    stack.compose("run", "--rm", "-T", "doctor", "topics", "check")
    assert stack.execute("grafana", "cat", _PASSWORD) == password
    return (
        f"{before.total} events of {len(before.events)} households kept, 45 more applied, topics"
        f" added and configured; first answer {seconds:.0f} s"
    )


def _earlier_installation(
    stack: Stack,
) -> tuple[Applied, str, Mapping[str, Counter[str]]]:
    """Make volumes with the earlier version; return what they hold."""
    code = checkout(stack.folder)
    (code / "Dockerfile").write_text(_DOCKERFILE)
    stack.compose("build")
    stack.engine.run("docker", "build", f"--tag={IMAGE}", str(code))
    old = stack.of(code)
    old.compose("run", "--rm", "-T", "--no-deps", "setup", f"cp {_BUNDLE}/* /bundle")
    old.compose("up", "--detach")
    old.wait_for_worker()
    applied = old.applied()
    old.ask(0, 200)
    applied = old.applied(at_least=applied.total + 205)
    household = max(applied.events, key=lambda name: applied.events[name])
    records = {household: old.records(household)}
    password = old.execute("grafana", "cat", _PASSWORD)
    # Under the earlier file, Kafka has a volume without a name, which 'down' would leave.
    old.compose("rm", "--stop", "--force", "--volumes")
    old.compose("down")
    return applied, password, records
