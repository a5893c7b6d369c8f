"""The command line itself: several values behind one option, environment twins, shell completion, one server alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from optilocal.scenarios.cli import COMMANDS, command_line, main

ROOT = Path(__file__).parents[2]


def given(name: str, *arguments: str) -> dict[str, object]:
    """What a command would be called with."""
    root = click.Context(command_line, info_name="optilocal", auto_envvar_prefix="OPTILOCAL")
    command = command_line.get_command(root, name)
    assert command is not None
    return command.make_context(name, list(arguments), parent=root).params


def test_every_command_has_its_file_and_every_file_its_line() -> None:
    folder = ROOT / "scenarios" / "commands"
    files = {
        path.stem
        for path in folder.glob("*.py")
        if "command = " in path.read_text() or "\ndef command(" in path.read_text()
    }
    assert files == set(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "events", "strict"),
    [
        (["--events", "a", "src/", "--strict"], ("a", "src/"), True),
        (["--events", "a", "--strict", "--events", "b"], ("a", "b"), True),
        (["--events=a", "b"], ("a", "b"), False),
        (["--strict", "--events", "-"], ("-",), True),
    ],
)
def test_an_option_takes_every_value_up_to_the_next_option(
    arguments: list[str], events: tuple[str, ...], strict: bool
) -> None:
    options = given("check", "--datafile", "d.json", *arguments)
    assert (options["events"], options["strict"]) == (events, strict)


@pytest.mark.parametrize(
    ("arguments", "scenarios"),
    [
        ([], ()),
        (["--run"], ("",)),
        (["--run", "a", "b", "--host", "::1"], ("a", "b")),
        (["--run", "--host", "::1"], ("",)),
    ],
)
def test_up_runs_nothing_the_suite_or_what_is_named(arguments: list[str], scenarios: tuple[str, ...]) -> None:
    assert given("up", *arguments)["scenarios"] == scenarios


def test_a_flag_beats_the_environment_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert given("up")["emulator_port"] == 8410
    monkeypatch.setenv("EMULATOR_PORT", "9000")
    monkeypatch.setenv("EMULATOR_DATAFILE", "one.json, two.json")
    monkeypatch.setenv("OPTILOCAL_CHECK_STRICT", "1")
    assert given("up")["emulator_port"] == 9000
    assert given("up", "--emulator-port", "0")["emulator_port"] == 0
    assert given("up")["datafile"] == ("one.json", "two.json")
    assert given("up", "--datafile", "three.json")["datafile"] == ("three.json",)
    assert given("check", "--datafile", "d", "--events", "e")["strict"] is True
    monkeypatch.setenv("EMULATOR_PORT", "")
    assert given("up")["emulator_port"] == 8410


@pytest.mark.parametrize(
    ("words", "at", "offered"),
    [
        ("optilocal r", "1", {"run", "record"}),
        ("optilocal run --j", "2", {"--json", "--junit"}),
        ("optilocal completion ", "2", {"bash", "zsh", "fish"}),
    ],
)
def test_the_shell_completes_commands_options_and_words(words: str, at: str, offered: set[str]) -> None:
    environment = {
        **os.environ,
        "_OPTILOCAL_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": at,
    }
    done = subprocess.run(
        [sys.executable, "-m", "optilocal"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip
    assert {line.split(",")[1] for line in done.stdout.split()} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_OPTILOCAL_COMPLETE={shell}_complete" in script and "optilocal" in script


@pytest.mark.parametrize("server", ["emulator", "forwarder"])
def test_one_server_alone_has_its_own_options(server: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "optilocal", server, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    asked = run("--help")
    assert (asked.returncode, asked.stderr) == (0, "") and "--port" in asked.stdout
    refused = run("--port", "seventy")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
