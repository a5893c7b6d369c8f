"""Whatever somebody sent, no output of a command and no report can steer a terminal with it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from run_samples import made_entry, made_run

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.reporters import github, junit, summary
from optilocal.scenarios.reporters.console import ConsoleReporter

EVIL = "a\x1b]0;title\x07\x1b[31m\x9b31m\x7f\u202e\x00b"


def harmless(text: str) -> bool:
    return all(letter.isprintable() or letter in "\n\t" for letter in text)


def evil_entry() -> dict[str, Any]:
    entry = made_entry(f"name {EVIL}", value=EVIL)
    entry["reason"] = f"reason {EVIL}"
    entry["rerun"] = f"optilocal run {EVIL}"
    entry["differences"][0] |= {"reason": EVIL, "where": f"tracks[{EVIL}]", "captured": {EVIL: EVIL}}
    return entry


def console(run: dict[str, Any]) -> str:
    shown = io.StringIO()
    reporter = ConsoleReporter(shown)
    for entry in run["scenarios"]:
        reporter.scenario(entry)
    reporter.finish(run)
    return shown.getvalue()


def annotations(run: dict[str, Any]) -> str:
    shown = io.StringIO()
    github.write(run, shown, cwd=Path("/"), workspace=None)
    return shown.getvalue()


@pytest.mark.parametrize(
    "report",
    [console, annotations, junit.render, summary.render],
    ids=["console", "github", "junit", "summary"],
)
def test_a_report_of_a_run(report: Callable[[dict[str, Any]], str]) -> None:
    text = report(made_run([evil_entry()]))
    assert "title" in text
    assert harmless(text)


def test_on_a_terminal_only_styles_are_escape_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = console(made_run([evil_entry()]))
    assert "\x1b[" in text
    assert "\x1b]" not in text
    assert not set("\x07\x9b\x7f\u202e\x00") & set(text)


@pytest.fixture
def emulator() -> Any:
    with EmulatorServer(Settings(port=0)) as running:
        report = {
            "id": "1", "type": "track", "message_id": EVIL, "event": EVIL, "user_id": EVIL, "anonymous_id": EVIL,
            "source_event": {"event": EVIL}, "received_at": 1768471202000, "outcome": "invalid_payload",
            "mapping": EVIL, "trigger": EVIL, "payload": None, "visitor_id": EVIL, "event_key": EVIL,
            "error": {"name": EVIL, "message": EVIL, "status": 400, "code": EVIL}, "details": [EVIL],
            "requests": [], "attempts": [], "mappings": [], "warnings": [{"code": EVIL, "message": EVIL}],
        }  # fmt: skip
        url = f"{running.base_url}/_emulator/deliveries"
        assert requests.post(url, json=report, timeout=30).status_code == 201
        yield running


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_explain(emulator: EmulatorServer, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]) -> None:
    assert main(["explain", "--last", *more, "--emulator", emulator.base_url]) == 0
    text = capsys.readouterr().out
    assert "title" in text
    assert harmless(text)
    if more:
        assert json.loads(text)["verdicts"][0]["event"] == EVIL.replace("\x00", "\x00")


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_tail(emulator: EmulatorServer, more: list[str]) -> None:
    command = [sys.executable, "-m", "optilocal", "tail", *more, "--emulator", emulator.base_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUTF8": "1"}) as tail:
        assert tail.stdout is not None
        line = tail.stdout.readline().decode()
        tail.kill()
    assert "title" in line
    assert harmless(line)


def test_check_and_preview(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = tmp_path / "events.jsonl"
    event = {"type": "track", "event": EVIL, "userId": EVIL, "properties": {EVIL: EVIL}}
    events.write_text(json.dumps(event) + "\n", encoding="utf-8")
    main(["check", "--datafile", str(SHOP), "--events", str(events)])
    main(["check", "--datafile", str(SHOP), "--events", str(events), "--github"])
    main(["check", "--datafile", str(SHOP), "--events", str(events), "--json", "-"])
    assert harmless(text := capsys.readouterr().out)
    assert "title" in text
    main(["preview", "--datafile", str(SHOP), str(events)])
    assert harmless(capsys.readouterr().out)


def test_a_mistake_in_a_scenario_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = json.dumps(EVIL)
    Path("one.scenario.yaml").write_text(f"scenario: {evil}\nsteps: []\nexpect: {{}}\n{evil}: 1\n", "utf-8")
    assert main(["run", "one.scenario.yaml"]) == 2
    assert main(["run", f"no-such{EVIL[:-2]}.scenario.yaml"]) == 2
    assert main(["run", f"--{EVIL[:-2]}"]) == 2
    said = capsys.readouterr()
    assert harmless(said.err)
    assert harmless(said.out)
