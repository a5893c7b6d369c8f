"""`optilocal init`: files that pass as they are, with the user's own names, and nothing overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from optilocal.scenarios.cli import main
from optilocal.scenarios.editing.starter import editor_settings
from optilocal.scenarios.language.datafiles import SHOP

ROOT = Path(__file__).parents[2]
WRITTEN = {
    "datafile.json",
    "counted.scenario.yaml",
    "lost.scenario.yaml",
    ".vscode/scenario.schema.json",
    ".vscode/defaults.schema.json",
    ".vscode/settings.json",
    ".github/workflows/tracking.yml",
}


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--experiment", "new: \"pricing\"", "--variation", "off", "--variation", "on, 10 %", "--variation", "é",
         "--event", "Trial Started {1}", "--event", "Paid", "--flag", "pricing", "--sdk-key", "MYKEY"],
        ["--datafile", str(SHOP)],
    ],
    ids=["usual names", "own names", "own datafile"],
)  # fmt: skip
def test_what_is_written_passes_and_shows_a_lost_conversion(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "mine", *options]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert files(tmp_path / "mine") == WRITTEN
    assert shown[-1] == "next     optilocal run mine"
    assert {line.split()[1].removeprefix("mine/") for line in shown[:-1]} == WRITTEN
    assert main(["run", "mine"]) == 0
    assert "2 passed, 0 failed" in capsys.readouterr().out
    lost = tmp_path / "mine/lost.scenario.yaml"
    lost.write_text(
        lost.read_text("utf-8").replace("outcome: user_not_activated", "outcome: counted"), "utf-8"
    )
    assert main(["run", "mine"]) == 1
    assert 'the SDK decided for "u-1"' in " ".join(capsys.readouterr().out.split())


def test_names_are_those_given(tmp_path: Path) -> None:
    options = [
        "--experiment",
        "e",
        "--variation",
        "a",
        "--variation",
        "b",
        "--variation",
        "c",
        "--event",
        "x",
        "--event",
        "y",
        "--sdk-key",
        "k",
    ]
    assert main(["init", str(tmp_path), *options]) == 0
    datafile = json.loads((tmp_path / "datafile.json").read_text("utf-8"))
    (experiment,) = datafile["experiments"]
    assert (datafile["sdkKey"], experiment["key"], datafile["featureFlags"][0]["key"]) == ("k", "e", "e")
    assert [variation["key"] for variation in experiment["variations"]] == ["a", "b", "c"]
    assert [share["endOfRange"] for share in experiment["trafficAllocation"]] == [3333, 6666, 10000]
    assert [event["key"] for event in datafile["events"]] == ["x", "y"]


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "datafile.json"
    own.write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 0
    assert own.read_text(encoding="utf-8") == "mine"
    assert f"kept     {own}  (it was there already)" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["init", str(tmp_path), "--experiment", "other"]) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert capsys.readouterr().out.count("kept     ") == len(WRITTEN)


def test_what_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paused = json.loads(SHOP.read_bytes())
    for experiment in [*paused["experiments"], *paused["groups"][0]["experiments"]]:
        experiment["status"] = "Paused"
    nothing = tmp_path / "paused.json"
    nothing.write_text(json.dumps(paused), encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for options, said in (
        (["--datafile", "missing.json"], "missing.json: No such file"),
        (["--datafile", str(nothing)], "no experiment runs that has one of its events as a metric"),
        (["--datafile", str(SHOP), "--event", "x"], "--datafile brings its own names"),
        (["--variation", "a", "--variation", "a"], "--variation: each name once"),
        ([str(tmp_path / "file" / "below")], "cannot write"),
    ):
        folder = [] if options[0].startswith("/") else [str(tmp_path / "new")]
        assert main(["init", *folder, *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line, line
    assert not (tmp_path / "new").exists()


def test_editor_and_ci_files_are_those_of_the_pages() -> None:
    from optilocal.scenarios.editing import starter  # noqa: PLC0415

    page = (ROOT / "docs/writing-scenarios.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert json.loads(settings) == editor_settings()
    page = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    github = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0])
    datafile = starter.new_datafile(starter.Names("e", ("a", "b"), ("x",), "f", "k"))
    written = starter.files(datafile, next(starter.examples(datafile)))
    ours = yaml.safe_load(
        written[".github/workflows/tracking.yml"].replace("run . --github", "run scenarios --github")
    )
    assert ours == github
