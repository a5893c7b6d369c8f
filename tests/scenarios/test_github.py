"""Annotations: read back as GitHub's runner reads them, they name the right file, line and field."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_samples import FILES, made_entry, made_run, real_run, write_files

from optilocal.scenarios.cli import main
from optilocal.scenarios.reporters import github
from optilocal.serving.printable import printable

COMMAND = re.compile(r"::error ([^:]*(?:,[^:]*)*)::(.*)")


def read_back(output: str) -> list[dict[str, str]]:
    """The commands in a step's output, unescaped as the runner does: one a line, properties between commas."""
    annotations = []
    for line in output.split("\n"):
        if not line:
            continue
        found = COMMAND.fullmatch(line.strip("\r"))
        assert found, line
        properties = dict(part.split("=", 1) for part in found[1].split(","))
        for name, value in properties.items():
            properties[name] = _data(value.replace("%2C", ",").replace("%3A", ":"))
        annotations.append({**properties, "message": _data(found[2])})
    return annotations


def _data(text: str) -> str:
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")


def written(run: dict[str, Any], *, cwd: str = "/repo", workspace: str | None = None) -> list[dict[str, str]]:
    stream = io.StringIO()
    github.write(run, stream, cwd=Path(cwd), workspace=workspace)
    return read_back(stream.getvalue())


def test_each_differing_line_has_an_annotation_on_it() -> None:
    run = real_run()
    entry = next(entry for entry in run["scenarios"] if entry["status"] == "failed")
    source = entry["source"]["text"].splitlines()
    own = [one for one in written(run) if one["title"] == entry["name"]]
    assert {int(one["line"]) for one in own} == {difference["line"] for difference in entry["differences"]}
    for one in own:
        named = source[int(one["line"]) - entry["source"]["first_line"]]
        field = one["message"].split()[0].rsplit(".", 1)[-1]
        assert f"{field}:" in named
        assert one["file"] == entry["file"]
        assert entry["rerun"] in one["message"]
    outcome = next(one for one in own if one["message"].startswith("tracks[0].outcome"))
    assert (
        'expected: "counted"' in outcome["message"] and 'captured: "user_not_activated"' in outcome["message"]
    )
    assert entry["verdicts"][0]["remedy"] in outcome["message"]


def test_what_could_not_run_is_annotated_where_it_begins() -> None:
    run = real_run()
    entry = next(entry for entry in run["scenarios"] if entry["status"] == "error")
    (one,) = [one for one in written(run) if one["title"] == entry["name"]]
    assert (one["file"], int(one["line"]), one["message"]) == (entry["file"], entry["line"], entry["reason"])


def test_nothing_is_said_of_what_held() -> None:
    assert written(made_run([made_entry("Fine", status="passed", lines=[], reason=None)])) == []


TEXT = st.text(max_size=20).map(lambda text: " ".join(text.split()))


@given(name=TEXT, value=st.text(max_size=20), folder=st.text("a:,%=é ", min_size=1, max_size=8))
def test_any_text_comes_through(name: str, value: str, folder: str) -> None:
    (one,) = written(made_run([made_entry(name, file=f"{folder}/a.scenario.yaml", value=value)]))
    assert one["title"] == printable(name, lines=True)
    assert one["file"] == printable(f"{folder}/a.scenario.yaml", lines=True)
    assert one["message"].startswith("tracks[0].outcome differs\n")


def test_every_scenario_is_named_before_any_is_named_twice() -> None:
    entries = [made_entry(str(n), line=10 * n, lines=[10 * n + 2, 10 * n + 1]) for n in range(1, 13)]
    shown = written(made_run(entries))
    assert [one["title"] for one in shown[:12]] == [entry["name"] for entry in entries]
    assert [int(one["line"]) for one in shown[:2]] == [11, 21]
    assert len(shown) == 24


def test_differences_of_one_line_share_an_annotation() -> None:
    (one,) = written(made_run([made_entry("A", lines=[4, 4, 4])]))
    assert one["line"] == "4"
    assert [f"tracks[{n}].outcome differs" in one["message"] for n in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("file", "cwd", "workspace", "shown"),
    [
        ("a.scenario.yaml", "/repo", "/repo", "a.scenario.yaml"),
        ("a.scenario.yaml", "/repo/packages/shop", "/repo", "packages/shop/a.scenario.yaml"),
        ("../e2e/a.scenario.yaml", "/repo/packages", "/repo", "e2e/a.scenario.yaml"),
        ("/repo/e2e/a.scenario.yaml", "/elsewhere", "/repo/", "e2e/a.scenario.yaml"),
        ("/other/a.scenario.yaml", "/repo", "/repo", "/other/a.scenario.yaml"),
        ("e2e/a.scenario.yaml", "/repo", None, "e2e/a.scenario.yaml"),
    ],
)
def test_paths_are_those_of_the_repository(file: str, cwd: str, workspace: str | None, shown: str) -> None:
    (one,) = written(made_run([made_entry("A", file=file)]), cwd=cwd, workspace=workspace)
    assert one["file"] == shown


def test_mistakes_in_scenario_files_are_annotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = FILES["buy.scenario.yaml"].replace("outcome: counted", "outcome: counte", 1)
    write_files(tmp_path / "shop", {"buy.scenario.yaml": broken})
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert main(["run", "buy.scenario.yaml", "--github"]) == 2
    captured = capsys.readouterr()
    (one,) = read_back(captured.out)
    assert (one["file"], one["line"]) == ("shop/buy.scenario.yaml", "8")
    assert "did you mean 'counted'" in one["message"]
    assert one["message"] in captured.err
