"""Run documents to test the reports with: one that really ran, and ones made of given words."""

from __future__ import annotations

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.comparing.results import new_run, with_scenarios
from optilocal.scenarios.language.loader import load
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.run import run_with
from optilocal.scenarios.running.workers import Workers

PASSES = """\
scenario: A purchase is counted
teaches: Both sides name the same visitor.
tags: [smoke, revenue]
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}
expect:
  tracks: [{outcome: counted}]
"""
DIFFERS = """\
scenario: "Another visitor: 100%, all | of it `code` <b>&amp;</script><!-- ]]>"
tags: [revenue]
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: U-1, event: Order Completed, properties: {revenue: 4999, note: "</script>\\u2028"}}
expect:
  tracks:
    - outcome: counted
      visitor_id: u-1
      details: !contains [!regex "never"]
  requests: {datafile: 2, events: 1}
"""
CANNOT_RUN = """\
scenario: The emulator refuses this datafile
steps:
  - datafile: {raw: "nothing", status: 99999}
  - track: {userId: u-1, event: Order Completed}
expect:
  tracks: [{outcome: datafile_unavailable}]
"""
ROWS = """\
scenario: An order of any size
rows:
  - {cents: 1}
  - {cents: 2}
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: control}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: "${cents}"}}
expect:
  results: {checkout_test: {control: {Order Completed: {revenue: 1}}}}
"""
FILES = {
    "buy.scenario.yaml": f"{PASSES}---\n{DIFFERS}",
    "later/refused.scenario.yaml": CANNOT_RUN,
    "later/rows.scenario.yaml": ROWS,
}


def write_files(folder: Path, files: dict[str, str] = FILES) -> Path:
    """The scenario files in a folder; the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@cache
def _ran() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, EmulatorServer(Settings(port=0)) as server:
        scenarios = load([write_files(Path(folder))])
        with Workers(scenarios, 2, processes=False) as workers:
            emulator = EmulatorClient(server.base_url)
            return run_with(workers, emulator, run_id="run-1", command="optilocal run")


def real_run() -> dict[str, Any]:
    """A run of `FILES`: two scenarios held, two differ, one could not run. Its folder is no more."""
    return copy.deepcopy(_ran())


def made_run(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A finished run of these entries."""
    run = new_run("run-2", "optilocal run", "http://127.0.0.1:8410", 1_768_471_200_000, len(entries))
    return with_scenarios(run, entries, finished_at=1_768_471_201_500)


def made_entry(name: str, *, file: str = "a.scenario.yaml", line: int = 1, **given: Any) -> dict[str, Any]:
    """One scenario's entry; it failed at `lines` (of the YAML file), each with one difference whose sides are `value`."""
    lines, value = given.get("lines", [line + 1]), given.get("value", 1)
    differences = [
        {
            "where": f"tracks[{index}].outcome", "path": ["tracks", index, "outcome"], "kind": "changed",
            "expected": value, "captured": value, "reason": "differs", "file": file, "line": at, "step": None,
            "nearest": None, "verdict": None,
        }
        for index, at in enumerate(lines)
    ]  # fmt: skip
    return {
        "id": f"{file}:{line}", "name": name, "teaches": None, "file": file, "line": line, "tags": [], "namespace": "n",
        "duration_ms": 12, "status": given.get("status", "failed"), "reason": given.get("reason", "something differs"),
        "rerun": f"optilocal run {file}:{line}", "source": {"first_line": line, "text": f"scenario: {name}"}, "steps": [], "problems": [],
        "expected": {}, "captured": {}, "differences": differences, "verdicts": [],
    }  # fmt: skip
