"""YAML written and edited: what is written reads back the same, an edit changes what it should and nothing else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from optilocal.scenarios.editing.yaml_edit import CannotEdit, Editor
from optilocal.scenarios.editing.yaml_text import block, flow
from optilocal.scenarios.language.matchers import Matcher, read_matcher
from optilocal.scenarios.language.yaml_nodes import read_documents

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Co", "Cn", "Cc"]), max_size=8)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.sampled_from(
        ["1e3", "true", "on", "0x10", "~", "a: b", "# c", "- d", "{e}", "!f", "2026-01-15", "1_000"]
    )
)
WORD = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
DATA = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=10,
)
EXPECTED = st.recursive(
    SCALAR | st.sampled_from([Matcher("!uuid"), Matcher("!any"), Matcher("!timestamp")]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def _value(text: str) -> Any:
    (document,) = read_documents(Path("x.scenario.yaml"), text, read_matcher)
    return document.value


@given(st.dictionaries(TEXT, EXPECTED, min_size=1, max_size=3), st.integers(0, 4))
def test_what_is_written_reads_back_the_same(data: dict[str, Any], indent: int) -> None:
    assert _value(flow(data)) == data
    assert _value(block(data, indent)) == data


@pytest.mark.parametrize("text", ["0[", "a]", "b{c", "d}", "e,f", "0[ # g", "h: i", "#j", "- k", "", "l\nm"])
def test_between_braces_a_text_is_quoted_where_it_must_be(text: str) -> None:
    editor = Editor("a: {b: x, c: [y]}\n", 0)
    editor.replace(("a", "b"), text)
    editor.replace(("a", "c", 0), text)
    assert _value(editor.text()) == {"a": {"b": text, "c": [text]}}


def test_on_its_own_line_a_text_keeps_its_brackets_bare() -> None:
    editor = Editor("a: x\nb: [y]\n", 0)
    editor.replace(("a",), "0[1], 2")
    editor.add((), "c", ["d{e}"])
    assert editor.text() == "a: 0[1], 2\nb: [y]\nc: d{e}\n"


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deep for key, item in inner for deep in _paths(item, (*path, key)))]


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@given(st.dictionaries(WORD, DATA, min_size=1, max_size=4), st.sampled_from([True, False, None]), st.data())
def test_one_edit_does_what_it_says_or_says_that_it_cannot(
    data: dict[str, Any], style: bool | None, drawn: st.DataObject
) -> None:
    written = yaml.safe_dump(data, default_flow_style=style, sort_keys=False, allow_unicode=True, width=40)
    text = f"# before\n{written}# after\n"
    read = _value(text)
    wanted = copy.deepcopy(read)
    editor = Editor(text, 0)
    path = drawn.draw(st.sampled_from([one for one in _paths(wanted) if one]))
    parent, node = _at(wanted, path[:-1]), _at(wanted, path)
    kind = drawn.draw(st.sampled_from(["replace", "remove", "add"]))
    value = drawn.draw(DATA)
    try:
        if kind == "replace":
            parent[path[-1]] = value
            editor.replace(path, value)
        elif kind == "remove":
            del parent[path[-1]]
            editor.remove(path)
        elif isinstance(node, list):
            node.append(value)
            editor.add(path, None, [value])
        else:
            assume(isinstance(node, dict) and "added" not in node)
            node["added"] = value
            editor.add(path, "added", [value])
        new = editor.text()
    except CannotEdit:
        return
    assert _value(new) == wanted
    assert new.startswith("# before\n")
    assert new.endswith("# after\n")


def test_comments_and_layout_around_an_edit_stay() -> None:
    text = """\
a:   1   # one
b:  { c: [ 1,2 ,  3 ],   d: 'x' }   # two
e:
    # three
    -   f: yes   # four

    -   g
"""
    editor = Editor(text, 0)
    editor.replace(("a",), 2)
    editor.remove(("b", "c", 1))
    editor.replace(("b", "d"), "y")
    editor.replace(("e", 0, "f"), {"h": [1]})
    editor.add(("e",), None, ["i"])
    assert (
        editor.text()
        == """\
a:   2   # one
b:  { c: [ 1 ,  3 ],   d: y }   # two
e:
    # three
    -   f: {h: [1]}   # four

    -   g
    - i
"""
    )
