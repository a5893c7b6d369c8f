"""`optilocal up` as a process: both addresses printed, events through both servers, `explain`, Ctrl-C."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from segment_source import SegmentSource
from up_process import Up

from optilocal.scenarios.cli import main


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    sandbox = Up(tmp_path)
    yield sandbox
    sandbox.kill()


def test_an_event_goes_all_the_way_and_is_explained(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"emulator  http://127\.0\.0\.1:\d+", up.lines[0])
    assert re.fullmatch(r"forwarder http://127\.0\.0\.1:\d+", up.lines[1])
    assert requests.get(up.emulator + "/_emulator/health", timeout=10).json()["status"] == "ok"
    event = {"userId": "u-1", "event": "order completed", "messageId": "m-1", "properties": {"revenue": 4999}}
    assert requests.post(up.forwarder + "/v1/track", json=event, auth=("key", ""), timeout=10).json() == {
        "success": True
    }
    requests.get(
        up.emulator + "/_emulator/verdicts",
        params={"message_id": "m-1", "wait": 20, "outcome": "unmatched_event_key"},
        timeout=30,
    )
    assert main(["explain", "m-1", "--emulator", up.emulator]) == 0
    out = capsys.readouterr().out
    assert "unmatched_event_key" in out and '"Order Completed", which differs in case' in out
    assert f"{up.emulator}/#/event/m-1" in out
    assert main(["explain", "m-2", "--emulator", up.emulator]) == 1
    assert up.interrupt() == 0


def test_a_running_sandbox_runs_scenarios_through_its_own_forwarder(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.scenario.yaml").write_text(
        "scenario: x\nclock: 2026-01-15T10:00:00Z\nsteps:\n"
        "  - activate: {user: u-1, experiment: checkout_test, variation: treatment}\n"
        "  - track: {userId: u-1, event: Order Completed, properties: {revenue: 7}}\n"
        "  - track: {event: Nothing}\n"
        "  - identify: {userId: u-2}\n"
        "expect:\n  tracks: [{outcome: counted}, {outcome: unmatched_event_key}]\n"
        "  results: {checkout_test: {treatment: {visitors: 1, Order Completed: {revenue: 7}}}}\n"
        "  requests: {datafile: 2, events: 1}\n"
    )
    assert main(["run", str(tmp_path), "--emulator", up.emulator, "--forwarder", up.forwarder]) == 0, (
        capsys.readouterr().out
    )


def test_up_runs_scenarios_first_and_its_exit_code_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_text(
        "scenario: x\nsteps:\n  - track: {event: Nothing}\nexpect: {tracks: [{outcome: counted}]}\n"
    )
    sandbox = Up(tmp_path, "--run", "a.scenario.yaml")
    assert any("0 passed, 1 failed" in line for line in sandbox.lines)
    runs = requests.get(sandbox.emulator + "/_emulator/runs", timeout=10).json()["runs"]
    assert [run["counts"]["failed"] for run in runs] == [1]
    assert sandbox.interrupt() == 1


def test_ctrl_c_ends_it_before_the_scenarios_have(tmp_path: Path) -> None:
    sandbox = Up(tmp_path, "--run", until="✓")
    sandbox.process.send_signal(signal.SIGINT)
    rest, errors = sandbox.process.communicate(timeout=60)
    assert (sandbox.process.returncode, errors) == (130, "")
    assert "passed" not in rest and "viewer" not in rest


def test_an_address_of_the_other_server_is_one_line_and_2(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.scenario.yaml").write_text(
        "scenario: x\nsteps:\n  - track: {event: a}\nexpect: {tracks: []}\n"
    )
    for emulator, forwarder, says in (
        (up.forwarder, up.forwarder, f"what answers at {up.forwarder} is not an emulator of optilocal"),
        (up.emulator, up.emulator, f"what answers at {up.emulator} is not a forwarder of optilocal"),
        (up.emulator, "http://127.0.0.1:1", "no forwarder answers at http://127.0.0.1:1: connection refused"),
    ):
        assert main(["run", str(tmp_path), "--emulator", emulator, "--forwarder", forwarder]) == 2
        told = capsys.readouterr()
        assert told.err.startswith(f"optilocal: {says}") and told.err.count("\n") == 1
        assert told.out == ""


def test_a_taken_port_is_one_line_and_2(up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    port = up.emulator.rsplit(":", 1)[1]
    assert main(["up", "--emulator-port", port, "--forwarder-port", "0"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and port in err
    assert main(["up", "--emulator-port", "0", "--forwarder-port", up.forwarder.rsplit(":", 1)[1]]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_datafiles_from_the_environment_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("one", "two"):
        (tmp_path / f"{key}.json").write_text(
            '{"version": "4", "revision": "1", "projectId": "1", "accountId": "1", "groups": [], "experiments": [], '
            f'"events": [], "audiences": [], "attributes": [], "sdkKey": "{key}"}}'
        )
    monkeypatch.setenv("EMULATOR_DATAFILE", "one.json,two.json")
    sandbox = Up(tmp_path)
    for key in ("one", "two"):
        assert requests.get(f"{sandbox.emulator}/datafiles/{key}.json", timeout=10).json()["sdkKey"] == key
    assert sandbox.interrupt() == 0


@pytest.mark.parametrize("kept_in", ["file", "postgresql"])
def test_what_the_forwarder_accepted_outlives_a_kill_with_the_journal(
    tmp_path: Path, kept_in: str, request: pytest.FixtureRequest
) -> None:
    where = "kept.journal"
    if kept_in == "postgresql":
        where = request.getfixturevalue("postgresql").url("kept")
    first = Up(tmp_path, "--journal", where)
    # Nothing can be sent, so that all of it still waits when the process is killed.
    fault = [{"on": "datafile", "status": 503}]
    assert requests.put(first.emulator + "/_emulator/faults", json=fault, timeout=10).ok
    event = {"userId": "u-1", "event": "Order Completed"}
    for number in range(5):
        sent = {**event, "messageId": f"m-{number}"}
        assert requests.post(first.forwarder + "/v1/track", json=sent, auth=("k", ""), timeout=10).ok
    first.process.kill()
    first.process.communicate()
    second = Up(tmp_path, "--journal", where)
    kept = requests.get(second.forwarder + "/_forwarder/deliveries", timeout=10).json()["deliveries"]
    assert {delivery["message_id"] for delivery in kept} == {f"m-{number}" for number in range(5)}
    assert second.interrupt() == 0


def test_folders_named_as_the_two_servers_are_no_harm(tmp_path: Path) -> None:
    for name in ("emulator", "forwarder"):
        (tmp_path / name).mkdir()
    sandbox = Up(tmp_path)
    assert requests.get(sandbox.forwarder + "/_forwarder/health", timeout=10).status_code == 200
    assert sandbox.interrupt() == 0


def test_what_came_is_recorded_over_http_as_a_scenario_that_passes(up: Up, tmp_path: Path) -> None:
    for message_id, name in (("m-1", "Order Completed"), ("m-2", "order completed")):
        event = {"event": name, "userId": "u-1", "messageId": message_id, "writeKey": "k"}
        requests.post(f"{up.forwarder}/v1/track", json=event, timeout=10).raise_for_status()
    SegmentSource(up.forwarder).ended(2, state="ended")
    where = f"{up.emulator}/_emulator/recording"
    everything = requests.get(where, timeout=60).json()
    only = requests.get(where, params={"message_id": "m-2"}, timeout=60).json()
    assert (everything["differences"], only["differences"]) == ([], [])
    assert (everything["scenario"].count("messageId: m-"), only["scenario"].count("messageId: m-")) == (2, 1)
    file = tmp_path / "recorded.scenario.yaml"
    file.write_text(everything["scenario"], encoding="utf-8")
    assert main(["run", str(file)]) == 0
    refused = requests.get(where, params={"message_id": "nobody's"}, timeout=60)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_recorded")
    assert "nobody's" in refused.json()["error"]["message"]
