"""Scenarios side by side in processes: the same outcome as in threads, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from optilocal.scenarios.cli import main
from optilocal.scenarios.language import schema

MANY = "\n---\n".join(
    f"""scenario: Purchase {number}
clock: 2026-01-15T10:00:00Z
steps:
  - activate: {{user: u-{number}, experiment: checkout_test, variation: treatment}}
  - track: {{userId: u-{number}, event: Order Completed, properties: {{revenue: {number}}}}}
expect:
  tracks: [{{outcome: {"excluded" if number % 4 == 1 else "counted"}}}]
  results: {{checkout_test: {{treatment: {{visitors: 1, Order Completed: {{revenue: {number}}}}}}}}}"""
    for number in range(12)
)
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are forked on Linux alone; elsewhere threads do"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "many.scenario.yaml").write_text(MANY, encoding="utf-8")
    return tmp_path


def python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", **variables}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def outcome(document: Path) -> list[Any]:
    entries = json.loads(document.read_text(encoding="utf-8"))["scenarios"]
    return [
        (entry["name"], entry["status"], entry["reason"], entry["verdicts"][0]["message_id"])
        for entry in entries
    ]


def test_processes_and_threads_come_to_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = python(
        folder, "-m", "optilocal.scenarios", "run", "--json", "processes.json", "--workers", "3", "."
    )
    assert done.returncode == 1, done.stderr
    monkeypatch.chdir(folder)
    assert main(["run", "--quiet", "--json", "one.json", "--workers", "1", "."]) == 1
    assert outcome(folder / "processes.json") == outcome(folder / "one.json")
    lines = [
        line.split("Purchase ")[1].split()[0]
        for line in done.stdout.splitlines()
        if line.startswith("  ") and "Purchase" in line
    ]
    assert lines == [str(number) for number in range(12)], "printed in the order of the file"


@linux
def test_workers_are_processes_and_go_when_their_parent_is_killed(folder: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from optilocal.scenarios.language.loader import load\n"
        "from optilocal.scenarios.running.workers import Workers\n"
        "workers = Workers(load([Path('many.scenario.yaml')]), 3)\n"
        "print(workers.forked, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = python(
        folder, "-c", script
    )  # comes back when nobody holds the pipe any more: the workers have gone, too
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "True\n"


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_run_with_emulators_of_its_own_leaves_no_file(folder: Path, workers: str) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    arguments = (
        "-m",
        "optilocal",
        "run",
        "--workers",
        workers,
        "--json",
        "run.json",
        "--junit",
        "run.xml",
        ".",
    )
    done = python(folder, *arguments, TMPDIR=str(temporary))
    assert done.returncode == 1, done.stderr
    assert list(temporary.iterdir()) == []
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["emulator"] is None, "nobody else could ask them, and they are gone"
    Draft202012Validator(schema.read("results")).validate(run)
    assert '<property name="emulator"' not in (folder / "run.xml").read_text(encoding="utf-8")


@linux
def test_emulators_of_workers_leave_no_file_when_the_parent_is_killed(folder: Path) -> None:
    temporary = folder / "temporary"
    temporary.mkdir()
    script = (
        "import os, signal, sys\n"
        "from optilocal.scenarios.reporters.console import ConsoleReporter\n"
        "from optilocal.scenarios.cli import main\n"
        "ConsoleReporter.scenario = lambda self, entry: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.exit(main(['run', '--workers', '3', '.']))\n"
    )
    done = python(folder, "-c", script, TMPDIR=str(temporary))
    assert done.returncode == -signal.SIGKILL
    assert list(temporary.iterdir()) == []


@linux
def test_an_interrupt_ends_the_run_without_a_traceback(folder: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from optilocal.scenarios.reporters.console import ConsoleReporter\n"
        "from optilocal.scenarios.cli import main\n"
        "ConsoleReporter.scenario = lambda self, entry: os.killpg(0, signal.SIGINT)\n"
        "sys.exit(main(['run', '--workers', '3', '.']))\n"
    )
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
