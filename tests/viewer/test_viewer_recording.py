"""Recording as a scenario from the viewer: shown, saved, run; and the command where the emulator does not record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import expect
from segment_source import SegmentSource
from up_process import Up

from optilocal.scenarios.cli import main
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers

ORDER = {"type": "track", "event": "Order Completed", "userId": "u-1", "messageId": "m-1"}


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    sandbox = Up(tmp_path)
    yield sandbox
    sandbox.kill()


def test_an_event_is_recorded_and_the_saved_scenario_passes(up: Up, new_page: Any, tmp_path: Path) -> None:
    requests.post(f"{up.forwarder}/v1/track", json={**ORDER, "writeKey": "k"}, timeout=10).raise_for_status()
    SegmentSource(up.forwarder).ended(1, state="ended")
    page = new_page(base_url=up.emulator)
    page.goto("/#/event/m-1?ns=default")
    page.get_by_role("button", name="Record as a scenario").click()
    dialog = page.get_by_role("dialog", name="Recorded as a scenario")
    expect(dialog).to_contain_text("outcome: user_not_activated")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save default.scenario.yaml").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert main(["run", str(file)]) == 0
    dialog.get_by_role("button", name="Close").click()
    page.goto("/#/")
    page.get_by_role("button", name="Record namespace default as a scenario").click()
    expect(page.get_by_role("dialog", name="Recorded as a scenario")).to_contain_text("messageId: m-1")


def test_an_emulator_that_does_not_record_names_the_command(
    new_page: Any, sandbox: LocalServers, workbench: EmulatorClient
) -> None:
    workbench.call("POST", "/_emulator/forwarder/v1/track", json={"writeKey": "k", **ORDER})
    SegmentSource(f"{sandbox.forwarder_url}/ns/{workbench.namespace}").ended(1, state="ended")
    page = new_page(base_url=sandbox.emulator_url, noise="409")
    page.goto(f"/#/event/m-1?ns={workbench.namespace}")
    page.get_by_role("button", name="Record as a scenario").click()
    dialog = page.get_by_role("dialog", name="Recorded as a scenario")
    expect(dialog.get_by_role("alert")).to_contain_text("optilocal record")
    expect(dialog).to_contain_text(
        f"optilocal record --emulator {sandbox.emulator_url} --namespace {workbench.namespace} --message-id m-1"
    )
