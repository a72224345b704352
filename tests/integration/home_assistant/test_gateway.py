"""Decisions of a real gateway and worker, which ``test_home_assistant.py`` starts."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
from homeassistant import config_entries
from homeassistant.config_entries import ConfigEntryState
from house import OPTIONS, House

URL, TOKEN, KEY = (os.environ.get(f"MISFIRE_TEST_{name}", "") for name in ("URL", "TOKEN", "KEY"))
pytestmark = pytest.mark.skipif(not URL, reason="no gateway runs")


@pytest.fixture
async def connected(
    home: House,
    socket_enabled: None,  # noqa: ARG001 - sockets are disabled otherwise
    tmp_path: Path,
) -> AsyncIterator[House]:
    """Set the integration up with the gateway, by its form."""
    pytest_socket.enable_socket()
    home.hass.config.config_dir = str(tmp_path)
    flows = home.hass.config_entries.flow
    shown = await flows.async_init("misfire", context={"source": "user"})
    shown = await flows.async_configure(shown["flow_id"], {"mode": "gateway"})
    for url, token, error in (
        ("nonsense", TOKEN, "wrong_url"),
        ("http://127.0.0.1:9", TOKEN, "no_gateway"),
        (URL, "wrong", "refused"),
        (URL, "", "refused"),
    ):
        shown = await flows.async_configure(
            shown["flow_id"], {"url": url} | ({"token": token} if token else {})
        )
        assert shown["errors"] == {"base": error}, url
    shown = await flows.async_configure(
        shown["flow_id"], {"url": URL, "token": TOKEN, "proof_key": KEY}
    )
    made = await flows.async_configure(shown["flow_id"], OPTIONS)
    home.entry = made["result"]
    await _patiently(home)
    yield home
    if home.entry.state is ConfigEntryState.LOADED:
        await home.hass.config_entries.async_unload(home.entry.entry_id)
        await home.hass.async_block_till_done()


async def _patiently(house: House) -> Any:
    """Wait until misfire has loaded; give the worker time on a busy machine."""
    guard = await house.loaded()
    guard.opened.result().hook._hook.deadline_ms = 5_000
    return guard


async def test_a_worker_decides_and_checks_the_phone(
    connected: House, decisions: list[str]
) -> None:
    guard = await connected.loaded()

    await connected.say("turn on the kitchen light")
    assert connected.state("light.kitchen") == "on"
    assert guard.latest.rung == "worker"
    await connected.say("unlock the front door")
    assert connected.state("lock.front") == "locked"
    await connected.tap(accept=True)

    assert connected.state("lock.front") == "unlocked"
    assert decisions == ["allow", "confirm", "confirmed"]


async def test_a_wrong_pin_confirms_nothing_at_a_worker(connected: House) -> None:
    await connected.say("open the garage door")

    await connected.say("my pin is 1234")
    assert connected.state("cover.garage") == "closed"
    await connected.say("4711")

    assert connected.state("cover.garage") == "open"


async def test_a_refused_token_starts_the_flow_for_another_one(connected: House) -> None:
    hass, entry = connected.hass, connected.entry
    assert entry is not None
    hass.config_entries.async_update_entry(entry, data=dict(entry.data) | {"token": "revoked"})
    await hass.async_block_till_done()
    await _patiently(connected)
    await connected.say("unlock the front door")
    assert connected.state("lock.front") == "locked"

    flows = [
        each for each in hass.config_entries.flow.async_progress() if each["handler"] == "misfire"
    ]
    assert [each["step_id"] for each in flows] == ["reauth_confirm"]
    wrong = await hass.config_entries.flow.async_configure(flows[0]["flow_id"], {"token": "no"})
    assert wrong["errors"] == {"base": "refused"}
    done = await hass.config_entries.flow.async_configure(flows[0]["flow_id"], {"token": TOKEN})
    await hass.async_block_till_done()

    assert done["reason"] == "reauth_successful"
    guard = await _patiently(connected)
    await connected.say("turn on the kitchen light")
    assert guard.latest.rung == "worker"


@pytest.mark.skipif(not hasattr(config_entries, "SOURCE_RECONFIGURE"), reason="since 2024.4")
async def test_the_gateway_can_be_changed(connected: House) -> None:
    hass, entry = connected.hass, connected.entry
    assert entry is not None
    context = {"source": "reconfigure", "entry_id": entry.entry_id}
    shown = await hass.config_entries.flow.async_init("misfire", context=context)
    flow = shown["flow_id"]

    wrong = await hass.config_entries.flow.async_configure(flow, {"url": "http://127.0.0.1:9"})
    assert wrong["errors"] == {"base": "no_gateway"}
    address = {"url": URL, "token": TOKEN}
    done = await hass.config_entries.flow.async_configure(flow, address)
    await hass.async_block_till_done()

    assert done["reason"] == "reconfigure_successful"
    assert entry.data == {"mode": "gateway"} | address
    await _patiently(connected)
