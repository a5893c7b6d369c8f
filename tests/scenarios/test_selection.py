"""Choosing scenarios by words, tags and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.running.selection import parse, select, split_paths

BODY = "steps:\n  - track: {event: x}\nexpect: {requests: {events: 0}}\n"


@pytest.mark.parametrize(
    ("expression", "text", "fits"),
    [
        ("revenue", "sends revenue", True),
        ("REVENUE", "sends revenue", True),
        ("revenue and late", "revenue", False),
        ("revenue late", "late revenue", True),
        ("revenue or late", "late", True),
        ("not revenue", "late", True),
        ("not revenue and late", "revenue late", False),
        ("not (revenue or late)", "early", True),
        ('"no user"', "there is no user", True),
        ("'no user' or x", "no such user", False),
        ("not not a", "a", True),
    ],
)
def test_expressions(expression: str, text: str, fits: bool) -> None:
    assert parse(expression)(text) is fits


@pytest.mark.parametrize("expression", ["and", "a and", "(a", "a)", "a or or b", "not", '"open'])
def test_an_unreadable_expression_is_one_clear_line(expression: str) -> None:
    with pytest.raises(CannotRun, match="cannot be read at"):
        parse(expression)


def test_lines_tags_and_words_narrow_the_choice(tmp_path: Path) -> None:
    path = tmp_path / "a.scenario.yaml"
    path.write_text(
        f"scenario: one\ntags: [a]\n{BODY}---\nscenario: two\ntags: [a, b]\n{BODY}---\n"
        f"scenario: three ${{n}}\nrows:\n  - {{n: 1}}\n  - {{n: 2}}\n{BODY}"
    )
    scenarios = load([path])
    everything = {"lines": {}, "expression": None, "tags": ()}

    def names(**choice: object) -> list[str]:
        return [scenario.name for scenario in select(scenarios, **{**everything, **choice})]  # type: ignore[arg-type]

    assert names() == ["one", "two", "three 1", "three 2"]
    assert names(tags=["b"]) == ["two"]
    assert names(expression="three and not two") == ["three 1", "three 2"]
    assert names(lines={path: {1}}) == ["one"]
    assert names(lines={path: {9}}) == ["two"]
    assert names(lines={path: {16}}) == ["three 2"]
    with pytest.raises(CannotRun, match="none of the 4 scenarios"):
        names(tags=["nobody"])


def test_a_line_behind_a_path_names_one_scenario(tmp_path: Path) -> None:
    path = tmp_path / "a.scenario.yaml"
    path.touch()
    assert split_paths([f"{path}:12", f"{path}:3"]) == ([path, path], {path: {3, 12}})
    odd = tmp_path / "b:7"
    odd.touch()
    assert split_paths([str(odd)]) == ([odd], {})
