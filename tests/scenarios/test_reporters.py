"""The reports of `optilocal run`: all at once, none changes the run, and what cannot be written is known beforehand."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from run_samples import FILES, PASSES, made_entry, made_run, real_run, write_files

from optilocal.scenarios.cli import main
from optilocal.scenarios.reporters import github, html, junit, summary
from optilocal.scenarios.reporters.console import ConsoleReporter, failure_text
from optilocal.scenarios.reporters.wording import failures


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the sample scenarios in `scenarios/`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write_files(tmp_path / "scenarios")
    return tmp_path


def test_all_reports_of_one_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    reports = ["--json", "run.json", "--junit", "junit.xml", "--html", "report.html", "--github"]
    assert main(["run", "scenarios", *reports]) == 2, "one could not run"
    run = json.loads((folder / "run.json").read_bytes())
    cases = [case.get("name") for case in ElementTree.parse(folder / "junit.xml").iter("testcase")]
    assert cases == [entry["name"] for entry in run["scenarios"]]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert json.loads(page.split('id="run-data">')[1].split("</script>")[0]) == run
    assert (folder / "step.md").read_text(encoding="utf-8") == summary.render(run)
    output = capsys.readouterr().out
    assert "::error file=scenarios/buy.scenario.yaml,line=" in output
    assert output.index("2 passed") < output.index("::error"), "annotations come after what people read"


def test_with_json_on_standard_output_nothing_else_is_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(folder / "scenarios/buy.scenario.yaml"), "--json", "-", "--github"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["counts"]["failed"] == 1
    assert "::error" in captured.err


def test_annotations_and_summary_are_only_for_those_who_ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "step.md"))
    assert main(["run", "scenarios/buy.scenario.yaml"]) == 1
    assert "::error" not in capsys.readouterr().out
    assert not (folder / "step.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--junit", "missing/junit.xml"], "cannot write missing/junit.xml (--junit)"),
        (["--html", "scenarios"], "cannot write scenarios (--html)"),
        (["--json", "scenarios/none/run.json"], "cannot write scenarios/none/run.json (--json)"),
        (["--html", "-"], "--html needs the name of a file"),
        (["--junit", "a", "--html", "./a"], "--junit and --html name the same file"),
    ],
)
def test_a_report_that_cannot_be_written_keeps_everything_from_running(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["run", "scenarios", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"optilocal: {message}")
    assert captured.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["scenarios"]


def test_a_summary_that_cannot_be_written_is_known_beforehand(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "missing/step.md"))
    assert main(["run", "scenarios", "--github"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "(GITHUB_STEP_SUMMARY)" in captured.err


def test_two_reports_may_go_to_one_device(folder: Path) -> None:
    write_files(folder, {"one.scenario.yaml": PASSES})
    assert main(["run", "one.scenario.yaml", "--quiet", "--junit", "/dev/null", "--html", "/dev/null"]) == 0


def _annotate(run: dict[str, Any]) -> None:
    github.write(run, io.StringIO(), cwd=Path("/"), workspace=None)


def _console(run: dict[str, Any]) -> None:
    ConsoleReporter(io.StringIO()).finish(run)


@pytest.mark.parametrize(
    "report",
    [junit.render, summary.render, _annotate, _console, lambda run: html.render(run, html.static_folder())],
    ids=["junit", "summary", "github", "console", "html"],
)
def test_a_report_only_reads(report: Callable[[dict[str, Any]], object]) -> None:
    run = real_run()
    before = copy.deepcopy(run)
    report(run)
    assert run == before


def test_a_failures_text_is_what_the_console_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    run = real_run()
    shown = io.StringIO()
    ConsoleReporter(shown, plain=True).finish(run)
    for entry in failures(run):
        text = failure_text(entry)
        assert text in shown.getvalue()
        assert "\x1b" not in text and text.endswith(f"{entry['rerun']}\n")


def test_no_value_steers_a_terminal_or_a_builds_log() -> None:
    entry = made_entry("A", value="first\n::error::forged\x1b[31m\x9b31m")
    shown = io.StringIO()
    ConsoleReporter(shown).finish(made_run([entry]))
    for text in (failure_text(entry), shown.getvalue()):
        assert "\x1b" not in text and "\x9b" not in text
        assert [line for line in text.splitlines() if line.lstrip().startswith("::")] == []


def test_the_samples_differ_where_they_should() -> None:
    run = real_run()
    assert len(run["scenarios"]) == sum(text.count("scenario: ") for text in FILES.values()) + 1
    assert [entry["status"] for entry in run["scenarios"]] == [
        "passed",
        "failed",
        "error",
        "passed",
        "failed",
    ]
