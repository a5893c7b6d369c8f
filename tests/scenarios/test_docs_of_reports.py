"""docs/ci.md, docs/pytest.md and the editor's settings: what they show is what works."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from optilocal.scenarios.cli import command_line
from optilocal.scenarios.language import datafiles, schema
from optilocal.scenarios.language.document import OUTCOMES
from optilocal.scenarios.language.matchers import LIST_TAGS, TAGS
from optilocal.scenarios.sandbox.optimizely import Optimizely
from optilocal.scenarios.sandbox.segment import Segment

DOCS = Path(__file__).parents[2] / "docs"
pytest_plugins = ["pytester"]


def blocks(name: str, language: str) -> list[str]:
    """The fenced blocks of a language on a page."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(value: Any) -> list[str]:
    """Every command line in a build's file."""
    if isinstance(value, dict):
        return [line for item in value.values() for line in commands(item)]
    if isinstance(value, list):
        return [line for item in value for line in commands(item)]
    return [value] if isinstance(value, str) and value.startswith(("optilocal ", "python ")) else []


GITHUB, GITLAB = (yaml.safe_load(text) for text in blocks("ci.md", "yaml"))


@pytest.mark.parametrize("build", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_the_builds_commands_are_ones_the_command_line_takes(build: dict[str, Any]) -> None:
    install, run = commands(build)
    assert install.startswith("python -m pip install ") and install.endswith(" optilocal")
    _, name, *arguments = shlex.split(run)
    command = command_line.get_command(click.Context(command_line), name)
    assert command is not None
    options = command.make_context(name, arguments).params
    assert options["paths"] == ("scenarios",)
    assert (str(options["junit"]), str(options["html"])) == ("build-junit.xml", "build-report.html")
    assert options["github"] == (build is GITHUB)


def test_the_builds_keep_the_reports_that_the_run_writes() -> None:
    steps = GITHUB["jobs"]["scenarios"]["steps"]
    assert steps[-1]["with"]["path"].split() == ["build-junit.xml", "build-report.html"]
    assert steps[-1]["if"] == "${{ !cancelled() }}", "a failing run's reports are the ones that matter"
    artifacts = GITLAB["tracking"]["artifacts"]
    assert artifacts["reports"]["junit"] == "build-junit.xml"
    assert artifacts["paths"] == ["build-report.html"]
    assert artifacts["when"] == "always"


def test_every_option_of_the_page_is_one() -> None:
    text = (DOCS / "ci.md").read_text(encoding="utf-8")
    command = command_line.get_command(click.Context(command_line), "run")
    assert command is not None
    known = {param.name for param in command.params}
    named = re.findall(r"^\| `--(\w+)", text, re.MULTILINE)
    assert [name for name in named if name in known] == named != []


def test_the_tests_on_the_page_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("OPTILOCAL_EMULATOR", raising=False)
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests/datafile.json").write_bytes(datafiles.SHOP.read_bytes())
    for number, text in enumerate(blocks("pytest.md", "python")):
        (pytester.path / f"tests/test_{number}.py").write_text(text, encoding="utf-8")
    result = pytester.runpytest_subprocess("-p", "optilocal", "-p", "no:cacheprovider", timeout=60)
    result.assert_outcomes(passed=6)


def test_every_name_on_the_page_is_there() -> None:
    text = (DOCS / "pytest.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w.*?`) \|", text, re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    public = {name for kind in (Optimizely, Segment) for name in dir(kind) if not name.startswith("_")}
    said_apart = {"follow", "identify", "page", "screen", "group", "alias"}
    assert names - {"base_url"} == public - said_apart - {"base_url"}
    for outcome in re.findall(r'because="(\w+)"', text):
        assert outcome in OUTCOMES


def test_the_editors_settings_know_every_schema_and_tag() -> None:
    (text,) = blocks("writing-scenarios.md", "json")
    settings = json.loads(text)
    assert set(settings["yaml.schemas"].values()) == {"*.scenario.yaml", "scenario-defaults.yaml"}
    page = (DOCS / "writing-scenarios.md").read_text(encoding="utf-8")
    for file in settings["yaml.schemas"]:
        name = Path(file).name.split(".")[0]
        assert (
            name in schema.NAMES and f"python -m optilocal.scenarios.language.schema {name} > {file}" in page
        )
    assert {tag.split()[0] for tag in settings["yaml.customTags"]} == set(TAGS)
    for tag in LIST_TAGS:
        assert f"{tag} sequence" in settings["yaml.customTags"]
