"""Optimizely's SDK in a scenario: each client is its own, though a process reads a datafile for it only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios import suite
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.sdk import OptimizelyClient

SHOP: dict[str, Any] = json.loads(
    (Path(suite.__path__[0]) / "datafiles" / "shop.json").read_text(encoding="utf-8")
)
KEY = SHOP["sdkKey"]
New = Callable[[], OptimizelyClient]


@pytest.fixture
def emulator() -> Iterator[EmulatorClient]:
    with EmulatorServer(Settings(port=0)) as server:
        client = EmulatorClient(server.base_url, "sdk")
        yield client
        client.session.close()


@pytest.fixture
def new(emulator: EmulatorClient) -> New:
    return lambda: OptimizelyClient(emulator.base_url, KEY, emulator.session, lambda: 1_768_471_200_000)


def shop(revision: str, status: str = "Running", **more: Any) -> dict[str, Any]:
    changed = deepcopy(SHOP) | {"revision": revision, **more}
    (experiment,) = [each for each in changed["experiments"] if each["key"] == "checkout_test"]
    experiment["status"] = status
    return changed


def test_every_client_is_told_what_the_sdk_says_of_a_datafile(emulator: EmulatorClient, new: New) -> None:
    rules = [
        {"id": "990", "key": "forgotten", "status": "Running", "variations": [], "trafficAllocation": []}
    ]
    emulator.put_datafile(KEY, shop("told", "Paused", localHoldouts=rules))
    notes = [new().activate("u-1", "checkout_test", None, {}).note for _ in range(2)]
    assert notes[0] == notes[1]
    assert "990" in notes[0]


def test_what_one_client_logs_is_not_told_by_another(emulator: EmulatorClient, new: New) -> None:
    emulator.put_datafile(KEY, shop("own log"))
    first, second = new(), new()
    first.activate("u-1", "checkout_test", "treatment", {})
    assert 'Experiment key "no_such" is not in datafile' in second.activate("u-1", "no_such", None, {}).note
    assert 'Experiment key "neither" is not in datafile' in first.activate("u-1", "neither", None, {}).note
    assert '"neither"' not in second.activate("u-1", "no_such", None, {}).note


def test_a_client_follows_the_datafile_back_and_forth(emulator: EmulatorClient, new: New) -> None:
    running, paused = shop("back"), shop("forth", "Paused")
    client, notes = new(), []
    for datafile in (running, paused, running, paused):
        emulator.put_datafile(KEY, datafile)
        client.look_again()
        notes.append(client.activate("u-1", "checkout_test", "treatment", {}).note)
    assert ["activated treatment" in note for note in notes] == [True, False, True, False]


def test_a_datafile_of_the_same_revision_is_not_taken(emulator: EmulatorClient, new: New) -> None:
    for _ in range(2):
        client = new()
        emulator.put_datafile(KEY, shop("same"))
        assert "activated" in client.activate("u-1", "checkout_test", "treatment", {}).note
        emulator.put_datafile(KEY, shop("same", "Paused"))
        client.look_again()
        assert "activated" in client.activate("u-1", "checkout_test", "treatment", {}).note
        # A client that is new to it has no other.
        assert "activates nobody" in new().activate("u-1", "checkout_test", "treatment", {}).note
