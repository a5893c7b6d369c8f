"""Files with users' data, as the commands write them: new ones are readable for their owner alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.loader import load_file
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.runner import run_scenario
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

SCENARIO = """\
scenario: A purchase by an activated user is counted
clock: 2026-01-15T10:00:00Z
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed}
expect:
  tracks: [{outcome: counted}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    Path("a.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def modes(*names: str) -> set[int]:
    return {Path(name).stat().st_mode & 0o777 for name in names}


def test_reports_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    files = ("run.json", "run.xml", "run.html", "summary.md")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", files[3])
    reports = ["--json", files[0], "--junit", files[1], "--html", files[2], "--github"]
    assert main(["run", "a.scenario.yaml", *reports]) == 0
    assert modes(*files) == {0o600}


def test_reports_of_a_check() -> None:
    Path("events.txt").write_text("Order Completed\n", encoding="utf-8")
    files = ("check.json", "check.xml", "check.sarif")
    reports = ["--json", files[0], "--junit", files[1], "--sarif", files[2]]
    assert main(["check", "--datafile", str(SHOP), "--events", "events.txt", *reports]) == 0
    assert modes(*files) == {0o600}


def test_a_recorded_scenario_and_its_datafile(here: Path) -> None:
    options = ServerOptions(emulator_port=0)
    with LocalServers(options, with_forwarder=False) as sandbox:
        emulator = EmulatorClient(sandbox.emulator_url, "recorded")
        run_scenario(load_file(Path("a.scenario.yaml"))[0], emulator, now_ms=1_768_471_200_000)
        where = ["--emulator", sandbox.emulator_url, "--namespace", "recorded"]
        assert main(["record", *where, "-o", "b.scenario.yaml"]) == 0
    (datafile,) = here.glob("b.datafile-*.json")
    assert modes("b.scenario.yaml", datafile.name) == {0o600}


def test_a_file_that_is_there_keeps_its_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    files = ("run.json", "summary.md")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", files[1])
    for name in files:
        Path(name).write_text("Before\n", encoding="utf-8")
        Path(name).chmod(0o640)
    assert main(["run", "a.scenario.yaml", "--json", files[0], "--github"]) == 0
    assert json.loads(Path(files[0]).read_text(encoding="utf-8"))["counts"]["passed"] == 1
    assert Path(files[1]).read_text(encoding="utf-8").startswith("Before\n###")
    assert modes(*files) == {0o640}


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_an_updated_scenario_keeps_its_mode(mode: int) -> None:
    file = Path("a.scenario.yaml")
    file.write_text(SCENARIO.replace("counted}]", "duplicate}]"), encoding="utf-8")
    file.chmod(mode)
    assert main(["run", str(file), "--update", "--quiet"]) == 0
    assert "outcome: counted" in file.read_text(encoding="utf-8")
    assert modes(file.name) == {mode}
