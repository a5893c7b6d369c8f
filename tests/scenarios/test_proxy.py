"""A proxy in the environment that answers nobody: whatever stays on this machine does not notice it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.servers import LocalServers, ServerOptions
from optilocal.serving.loopback import is_loopback, session_for

pytest_plugins = ["pytester"]
SCENARIOS = """\
scenario: A purchase by an activated user is counted
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed}
expect:
  tracks: [{outcome: counted}]
  requests: {datafile: 1, events: 1}
---
scenario: A visitor whom the SDK decides for is counted
steps:
  - decide: {user: u-1, flag: checkout}
  - track: {userId: u-1, event: Order Completed}
  - delete: {userId: u-1}
expect:
  tracks: [{outcome: counted}]
"""


@pytest.fixture(autouse=True)
def dead_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every variable that names a proxy, set to a port that refuses connections; NO_PROXY excepts nothing."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held, and never listened at
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, url)
            monkeypatch.setenv(name.lower(), url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("NO_COLOR", "1")
        yield url


@pytest.fixture
def scenarios(tmp_path: Path) -> str:
    file = tmp_path / "a.scenario.yaml"
    file.write_text(SCENARIOS, encoding="utf-8")
    return str(file)


@pytest.fixture
def sandbox() -> Iterator[LocalServers]:
    options = ServerOptions(emulator_port=0, forwarder_port=0)
    with LocalServers(options, with_forwarder=True) as running:
        yield running


def test_the_proxy_is_in_the_way_of_who_heeds_it(sandbox: LocalServers) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        requests.get(f"{sandbox.emulator_url}/_emulator/health", timeout=5)


def test_scenarios_run(scenarios: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", scenarios]) == 0, capsys.readouterr().out


def test_scenarios_run_in_a_sandbox_that_is_up(
    scenarios: str, sandbox: LocalServers, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = ["--emulator", sandbox.emulator_url, "--forwarder", sandbox.forwarder_url]
    assert main(["run", scenarios, *urls]) == 0, capsys.readouterr().out


def test_the_fixtures_of_pytest_work(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_a_purchase(optimizely, segment):
            assert "204" in optimizely.activate("u-1", "checkout_test", "treatment")
            assert "204" in optimizely.decide("u-2", "checkout")
            for user in ("u-1", "u-2"):
                segment.track(user, "Order Completed", {"revenue": 4999})
            optimizely.assert_counted(event="Order Completed")
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_traffic_is_recorded_and_explained(
    sandbox: LocalServers, scenarios: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", scenarios, "--emulator", sandbox.emulator_url, "--quiet"]) == 0
    client = EmulatorClient(sandbox.emulator_url)
    (first, *_) = [space for row in client.call("GET", "/_emulator/runs")["runs"] for space in [row["id"]]]
    there = ["--emulator", sandbox.emulator_url, "--namespace", f"{first}.1"]
    recorded = tmp_path / "recorded.scenario.yaml"
    assert main(["record", *there, "-o", str(recorded)]) == 0, capsys.readouterr().err
    assert main(["run", str(recorded)]) == 0
    (verdict,) = client.in_namespace(f"{first}.1").verdicts()
    capsys.readouterr()
    assert main(["explain", verdict["message_id"], "--emulator", sandbox.emulator_url]) == 0
    assert "counted" in capsys.readouterr().out


def test_a_datafile_is_checked_and_served_by_its_address(
    sandbox: LocalServers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    datafile = json.loads(SHOP.read_text(encoding="utf-8"))
    url = EmulatorClient(sandbox.emulator_url).put_datafile(datafile["sdkKey"], datafile)["url"]
    events = tmp_path / "events.csv"
    events.write_text("event\nOrder Completed\n", encoding="utf-8")
    assert main(["check", "--datafile", url, "--events", str(events)]) == 0, capsys.readouterr().err
    with EmulatorServer(Settings(port=0, datafiles=(url,))) as second:
        (served,) = EmulatorClient(second.base_url).datafiles()
    assert served["sdkKey"] == datafile["sdkKey"]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8410/v1/events", True),
        ("http://127.255.0.9", True),
        ("http://localhost:8410", True),
        ("http://LOCALHOST./", True),
        ("http://shop.localhost:1/", True),
        ("http://user:secret@[::1]:8410/", True),
        ("http://0.0.0.0:8410", True),
        ("http://[::]:8410", True),
        ("http://128.0.0.1", False),
        ("http://localhost.example.com", False),
        ("https://127.0.0.1.example.com/", False),
        ("https://cdn.optimizely.com/datafiles/x.json", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_no_other(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
    assert session_for(url).trust_env is not loopback
