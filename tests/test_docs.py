"""What the documents say, held against the code: commands, options, steps, matchers, outcomes, links, dependencies."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from optilocal.scenarios.cli import COMMANDS, command_line, main
from optilocal.scenarios.language.document import DOCUMENT, EXPECTATIONS
from optilocal.scenarios.language.matchers import TAGS
from optilocal.scenarios.language.steps import docs_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITING = (ROOT / "docs" / "writing-scenarios.md").read_text(encoding="utf-8")
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split()
PAGES = [ROOT / name for name in TRACKED if name.endswith(".md")]


def commands() -> dict[str, click.Command]:
    context = click.Context(command_line, info_name="optilocal", auto_envvar_prefix="OPTILOCAL")
    found = {name: command_line.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def rows(text: str, heading: str) -> list[str]:
    """The first cells of the table under a heading."""
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [
        line.split("|")[1].strip()
        for line in section.splitlines()
        if line.startswith("| ") and "---" not in line
    ][1:]


def test_the_page_of_commands_names_every_command_with_every_option() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = {
        row.split("`")[1].split()[1]: row for row in page.splitlines() if row.startswith("| `optilocal ")
    }
    assert set(table) == set(commands())
    for name, command in commands().items():
        known = {flag for param in command.params if isinstance(param, click.Option) for flag in param.opts}
        assert set(re.findall(r"`(--?[a-zA-Z][a-z-]*)", table[name])) == known, name


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("emulator", "forwarder")])
def test_the_help_of_a_command_has_an_example_and_every_options_twin(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert re.search(rf"Examples?:\n( {{2,}}.*)?optilocal {name}", text)
    # A program that runs in a sandbox ends with its own.
    assert ("Exit codes: those of COMMAND" if name == "exec" else "Exit codes: 0 all as expected") in text
    options = [param for param in commands()[name].params if isinstance(param, click.Option)]
    assert len(re.findall(r"\[env\s+var:", text)) == len(options)


def test_the_language_is_documented_whole() -> None:
    assert {re.match(r"`(\w+)`", cell)[1] for cell in rows(WRITING, "What may stand in a scenario")} == set(
        DOCUMENT
    )  # type: ignore[index]
    steps = WRITING.split("## Steps")[1].split("## Expectations")[0]
    assert docs_table() in steps, "print it with optilocal.scenarios.language.steps.docs_table()"
    expectations = WRITING.split("## Expectations")[1].split("## Choosing")[0]
    assert {name for name in EXPECTATIONS if f"| `{name}` |" in expectations} == set(EXPECTATIONS)
    assert set(re.findall(r"^\| `(!\w+)", expectations, re.MULTILINE)) == set(TAGS)


def test_every_link_leads_somewhere() -> None:
    assert PAGES
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} → {target}"


def test_readme_leads_to_every_page() -> None:
    pages = {name for name in TRACKED if re.fullmatch(r"docs/[^/]+\.md", name)}
    assert pages
    assert {name for name in pages if f"({name})" in README} == pages


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {re.match(r"[A-Za-z0-9-]+", line)[0].lower() for line in project["dependencies"]}  # type: ignore[index]
    reasons = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    listed = {cell.lower() for cell in re.findall(r"^\| ([A-Za-z0-9-]+) \|", reasons, re.MULTILINE)} - {
        "package"
    }
    assert listed >= named
    assert (
        not listed
        - named
        - {
            re.match(r"[A-Za-z0-9-]+", line)[0].lower()
            for extra in project["optional-dependencies"].values()
            for line in extra
        }
    )  # type: ignore[index]


def test_the_exit_codes_are_the_documented_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "0 all as expected" in text
    assert re.search(r"ends with 0 when all is as expected,\s+1 when something differs, 2 when", README)


def test_readme_shows_what_is_really_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
    scenario = next(text for kind, text in blocks if kind == "yaml")
    shown = next(text for _, text in blocks if text.startswith("$ optilocal run purchase.scenario.yaml"))
    (tmp_path / "purchase.scenario.yaml").write_text(scenario, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["run", "purchase.scenario.yaml"]) == 1
    printed = [_timeless(line) for line in capsys.readouterr().out.splitlines()]
    assert [_timeless(line) for line in shown.splitlines()[1:]] == printed


def _timeless(line: str) -> str:
    return re.sub(r"\d+(\.\d+)? (ms|s)\b", "0 ms", line).rstrip()


def test_nothing_tracked_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(r"registry[.]npmjs|pypi[.]org|files[.]pythonhosted|deb[.]debian[.]org|/root[/]")
    for name in TRACKED:
        path = ROOT / name
        if path.is_file() and path != Path(__file__) and path.suffix not in {".png"}:
            found = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{name}: {found and found[0]}"
