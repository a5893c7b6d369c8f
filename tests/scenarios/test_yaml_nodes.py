"""YAML as scenario files write it: values by YAML 1.2, lines kept, matchers read, mistakes named with their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from optilocal.scenarios.language.matchers import Matcher, read_matcher
from optilocal.scenarios.language.problems import ScenarioError
from optilocal.scenarios.language.yaml_nodes import Document, read_documents, reads_as_text


def read(text: str) -> list[Document]:
    return read_documents(Path("a.scenario.yaml"), text, read_matcher)


def value(text: str) -> Any:
    (document,) = read(text)
    return document.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("2026-01-15T10:00:00Z", "2026-01-15T10:00:00Z"),
        ("012", 12),
        ("0x10", 16),
        ("1e3", 1000.0),
        ("19.99", 19.99),
        ("1_000", "1_000"),
        ("true", True),
        ("~", None),
        ('"20"', "20"),
        ("''", ""),
        ("!any", Matcher("!any")),
    ],
)
def test_scalars_are_read_by_yaml_1_2(text: str, expected: Any) -> None:
    got = value(f"a: {text}")["a"]
    assert got == expected
    assert type(got) is type(expected)


def test_keys_stay_text() -> None:
    assert value("{on: events, 1: x, null: y}") == {"on": "events", "1": "x", "null": "y"}


@pytest.mark.parametrize(
    "text", ["a: [!uuid]", "a: [!any, !uuid]", "a: [{r: 1, u: !uuid}]", "{a: {u: !uuid}, b: [!any]}"]
)
def test_a_bracket_may_close_right_behind_a_matcher(text: str) -> None:
    assert "Matcher" in repr(value(text))


def test_a_quoted_text_that_looks_like_a_closed_matcher_stays_as_it_is() -> None:
    assert value('a: ["x !uuid]", !uuid]') == {"a": ["x !uuid]", Matcher("!uuid")]}


def test_every_node_knows_its_line() -> None:
    document, second = read("# head\na: 1\nb:\n  - c: 2\n    d: 3\n---\ne: {f: 4}\n")
    assert document.line(("b", 0, "d")) == 5
    assert document.line(("b", 0, "unheard of")) == 4
    assert (document.first_line, second.first_line, second.line(("e", "f"))) == (2, 7, 7)


def test_merge_keys_add_what_the_mapping_does_not_name() -> None:
    assert value("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}")["use"] == {"y": 3, "x": 1}


def test_empty_documents_do_not_count() -> None:
    assert [document.value for document in read("---\n---\na: 1\n---\n# nothing\n")] == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\na: 2", 2, "'a' stands twice"),
        ("a: 1\nb: [", 2, "the [ that opens here is never closed"),
        ("a: 1\n\tb: 1", 2, "there is a tab here; YAML is indented with spaces"),
        ("a: {b: ${c}}", 1, 'in quotes: "${c}"'),
        ("a: 1\nb: [${c}, 1]", 2, 'in quotes: "${c}"'),
        ("a: 1\nb: !uid", 2, "did you mean '!uuid'"),
        ("a: !regex '('", 1, "is not a regular expression"),
        ("a: !approx x", 1, "!approx takes a number"),
        ("a: !approx [1, 2, 3]", 1, "!approx takes a number"),
        ("a: !any 5", 1, "takes nothing"),
        ("a: !unordered x", 1, "takes a list"),
        ("[a]: 1", 1, "a key must be plain text"),
        ("a: &x [*x]", 1, "contains itself"),
        ("a: \x01", 1, "the character U+0001 is not allowed in YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text)
    assert [problem.line for problem in caught.value.problems] == [line]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # A writer of YAML 1.1 leaves `0E0` unquoted, which is text there and a number in 1.2.
    | st.text(max_size=8).filter(lambda text: not text or reads_as_text(text)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4), st.booleans())
def test_what_a_yaml_writer_writes_is_read_as_it_was(data: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump({"k": data}, default_flow_style=flow, allow_unicode=False)
    assert value(text) == {"k": data}
