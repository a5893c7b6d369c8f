"""The shipped suite holds: against a fresh emulator and forwarder everything comes as the book says."""

from __future__ import annotations

from pathlib import Path

from optilocal import scenarios
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.comparing.expectations import Captured, differences
from optilocal.scenarios.language.loader import load
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.run import run_with
from optilocal.scenarios.running.workers import Workers

SUITE = Path(scenarios.__file__).parent / "suite"


def test_every_scenario_of_the_suite_passes() -> None:
    suite = load([SUITE])
    with EmulatorServer(Settings(port=0)) as server, Workers(suite, 4, processes=False) as workers:
        emulator = EmulatorClient(server.base_url)
        run = run_with(workers, emulator, run_id="suite", command="optilocal run")
    told = [
        (entry["id"], entry["reason"], [difference["where"] for difference in entry["differences"]])
        for entry in run["scenarios"]
        if entry["status"] != "passed"
    ]
    assert told == []
    assert run["counts"]["passed"] == len(suite)


def silence() -> Captured:
    """What would be captured if Segment sent nothing and Optimizely took nothing."""
    nothing = dict.fromkeys(("datafile", "events", "privacy"), 0)
    return Captured(received=[], results={}, subject_access_requests=[], requests=nothing)


def test_only_scenarios_about_nothing_hold_when_nothing_happens() -> None:
    """Every other scenario must notice: its expectations cannot be met by a sandbox that does nothing."""
    blind = [scenario for scenario in load([SUITE]) if not differences(scenario, silence())]
    assert [scenario.name for scenario in blind] == [
        "Without an access token no deletion is asked for",
        "A deletion inside Segment stays inside Segment",
    ]
