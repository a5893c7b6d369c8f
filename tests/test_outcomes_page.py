"""docs/outcomes.md: every outcome of the code, in its order, with an example that comes out so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.emulator.verdict.verdict import CONDITIONS
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP
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
    assert len(list(tmp_path.glob("*.yaml"))) == len(OUTCOMES) - 1
    assert main(["run", str(tmp_path), "--quiet"]) == 0


def test_the_batches_of_an_account_that_nobody_has_come_out_so_too() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", SECTIONS["wrong_account"], re.DOTALL)
    with EmulatorServer(Settings(port=0)) as server, requests.Session() as session:
        session.trust_env = False
        address = server.base_url
        put = session.put(f"{address}/_emulator/datafiles/shop", data=Path(SHOP).read_bytes(), timeout=20)
        assert put.ok
        for batch in json.loads(example):
            assert session.post(f"{address}/v1/events", json=batch, timeout=20).status_code == 204
        (verdict,) = session.get(f"{address}/_emulator/verdicts?wait=20&count=1", timeout=30).json()[
            "verdicts"
        ]
    assert verdict["outcome"] == "wrong_account"


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
