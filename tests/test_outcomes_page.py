"""docs/outcomes.md: every outcome of the code, in its order, with an example that comes out so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from optilocal.emulator.verdict.verdict import CONDITIONS
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.document import OUTCOMES
from optilocal.scenarios.reporters.wording import page_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([a-z_]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_the_page_has_every_outcome_in_the_order_in_which_they_apply() -> None:
    openapi = json.loads((ROOT / "emulator" / "control" / "openapi.json").read_text(encoding="utf-8"))
    described = [
        name for name in openapi["components"]["schemas"]["Verdict"]["properties"]["outcome"]["enum"] if name
    ]
    assert list(SECTIONS) == list(OUTCOMES) == described
    assert re.findall(r"^\| \[`([a-z_]+)`\]\(#([a-z_]+)\)", PAGE, re.MULTILINE) == [
        (name, name) for name in OUTCOMES
    ]


def test_the_viewer_names_every_outcome() -> None:
    words = (ROOT / "static" / "js" / "words.js").read_text(encoding="utf-8")
    table = words[words.index("const OUTCOMES") : words.index("const STATUS")]
    assert set(re.findall(r"^    ([a-z_]+): \[", table, re.MULTILINE)) == set(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_section_says_what_it_means_and_what_to_change(outcome: str) -> None:
    assert re.findall(r"^\*\*(.+?)\.\*\*", SECTIONS[outcome], re.MULTILINE) == [
        "Meaning",
        "Example",
        "What to change",
    ]
    assert page_of(outcome) == f"docs/outcomes.md#{outcome}"


def test_the_four_conditions_are_explained() -> None:
    told = PAGE[PAGE.index("## The four conditions") :]
    assert tuple(re.findall(r"^\| `([a-z_]+)`", told, re.MULTILINE)) == CONDITIONS


def test_every_example_comes_out_as_its_section_says(tmp_path: Path) -> None:
    for outcome, text in SECTIONS.items():
        for number, example in enumerate(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)):
            assert f"outcome: {outcome}" in example
            (tmp_path / f"{outcome}-{number}.scenario.yaml").write_text(example, encoding="utf-8")
    assert len(list(tmp_path.glob("*.yaml"))) == len(OUTCOMES)
    assert main(["run", str(tmp_path), "--quiet"]) == 0


UNKNOWN = """scenario: A purchase
steps:
  - track: {userId: u-1, event: Order Completed}
expect:
  tracks: [{outcome: counted}]
"""


def test_terminal_junit_and_github_name_the_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("purchase.scenario.yaml").write_text(UNKNOWN, encoding="utf-8")
    assert main(["run", "purchase.scenario.yaml", "--junit", "junit.xml", "--github"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("docs/outcomes.md#user_not_activated") == 2
    assert "docs/outcomes.md#user_not_activated" in Path("junit.xml").read_text(encoding="utf-8")
