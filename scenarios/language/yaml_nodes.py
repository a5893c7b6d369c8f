"""YAML text → plain values that remember their lines: YAML 1.2's idea of a scalar, matcher tags, no duplicate keys."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from optilocal.scenarios.language.problems import AuthorProblem, ScenarioError

Step = str | int
NodePath = tuple[Step, ...]
TagReader = Callable[[str, Any], Any]
"""Turns a tag such as `!regex` and the value behind it into a matcher; raises ValueError with the reason."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_PLAIN = "tag:yaml.org,2002:"
_CLOSED_TAG = re.compile(r"![A-Za-z]+$")


class _Nodes(yaml.CSafeLoader):
    """Composes nodes only. Scalars are read below, by YAML 1.2: in 1.1 the key `on` would become true."""


_Nodes.yaml_implicit_resolvers = {}


@dataclass(frozen=True)
class Document:
    """One YAML document: its plain `value`, the line of every node by path, and its place in the file."""

    file: Path
    value: Any
    first_line: int
    lines: dict[NodePath, int] = field(repr=False)
    rows_at: frozenset[int] = frozenset()
    """The lines its rows stand at, when it has any: `file:line` of one of them means that row alone."""

    def line(self, path: NodePath) -> int:
        """The line of the node at `path`, else of the nearest node above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.first_line)


def read_documents(file: Path, text: str, read_tag: TagReader) -> list[Document]:
    """All non-empty documents of a YAML text. Raises ScenarioError with the line of what cannot be read."""
    problems: list[AuthorProblem] = []
    documents = []
    for node in _compose(file, text)[0]:
        if _is_empty(node):
            continue
        reader = _Reader(file, read_tag, problems)
        value = reader.read(node, ())
        documents.append(Document(file, value, node.start_mark.line + 1, reader.lines))
    if problems:
        raise ScenarioError(problems)
    return documents


def reads_as_text(plain: str) -> bool:
    """Whether an unquoted scalar is read as the text it is: no number, no word such as true or null."""
    return not (plain in _WORDS or _INT.fullmatch(plain) or _FLOAT.fullmatch(plain))


def compose(text: str, number: int) -> tuple[yaml.Node, Callable[[int], int]]:
    """The root of one non-empty document, counted from 0, and what turns an offset of its marks into one of the text.

    The two differ where a space was put in for the parser's sake.
    """
    nodes, parsed = _compose(Path(), text)
    put_in: list[int] = []
    for offset, character in enumerate(parsed):
        here = offset - len(put_in)
        if here >= len(text) or text[here] != character:
            put_in.append(offset)
    roots = [node for node in nodes if not _is_empty(node)]
    return roots[number], lambda offset: offset - bisect_left(put_in, offset)


def _compose(file: Path, text: str) -> tuple[list[yaml.Node], str]:
    """Composed nodes and the text they stand in. `[!uuid]` and `{a: !uuid}` are what the format shows, yet the parser
    wants a space after a tag.
    """
    while True:
        try:
            return list(yaml.compose_all(text, Loader=_Nodes)), text
        except yaml.MarkedYAMLError as error:
            spaced = _space_after_tag(text, error)
            if spaced is None:
                mark = error.problem_mark or error.context_mark
                line = min(mark.line + 1, max(len(text.splitlines()), 1)) if mark else 1
                reason = " ".join(filter(None, (error.context, error.problem))) + _likely(text, error)
                raise ScenarioError([AuthorProblem(file, line, f"this is no YAML: {reason}")]) from None
            text = spaced
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ScenarioError([AuthorProblem(file, 1, f"this is no YAML: {reason}")]) from None


def _likely(text: str, error: yaml.MarkedYAMLError) -> str:
    """What an author often meant where YAML sees a mistake; an empty text when nothing is likely."""
    lines, mark = text.splitlines(), error.problem_mark
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if mark is not None and line[mark.column : mark.column + 1] == "\t":
        return "; there is a tab: indent with spaces"
    if "${" in line and "flow" in (error.context or ""):
        return '; between { } or [ ] a ${name} is written in quotes: "${name}"'
    return ""


def _space_after_tag(text: str, error: yaml.MarkedYAMLError) -> str | None:
    mark = error.problem_mark
    if mark is None or "scanning a tag" not in (error.context or ""):
        return None
    lines = text.splitlines(keepends=True)
    if mark.line >= len(lines):
        return None
    line = lines[mark.line]
    head, tail = line[: mark.column], line[mark.column :]
    if not _CLOSED_TAG.search(head) or tail[:1] not in ("}", "]"):
        return None
    lines[mark.line] = f"{head} {tail}"
    return "".join(lines)


def _is_empty(node: yaml.Node) -> bool:
    return (
        isinstance(node, yaml.ScalarNode)
        and node.value == ""
        and not node.style
        and not node.tag.startswith("!")
    )


class _Reader:
    def __init__(self, file: Path, read_tag: TagReader, problems: list[AuthorProblem]) -> None:
        self._file, self._read_tag, self._problems = file, read_tag, problems
        self.lines: dict[NodePath, int] = {}
        self._open: set[int] = set()

    def read(self, node: yaml.Node, path: NodePath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._open:
            return self._problem(node, "an alias that contains itself")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                value: Any = self._mapping(node, path)
            elif isinstance(node, yaml.SequenceNode):
                value = [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            else:
                value = self._scalar(cast(yaml.ScalarNode, node))
        finally:
            self._open.discard(id(node))
        if node.tag.startswith("!") and node.tag != "!":
            try:
                return self._read_tag(node.tag, value)
            except ValueError as reason:
                return self._problem(node, str(reason))
        return value

    def _mapping(self, node: yaml.MappingNode, path: NodePath) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, item in self._entries(node):
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, "a key must be plain text")
                continue
            key = key_node.value
            if key in value:
                self._problem(key_node, f"the key {key!r} stands twice; remove one")
                continue
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            value[key] = self.read(item, (*path, key))
        return value

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """The mapping's own entries, then those a `<<` merge adds and the mapping does not name itself."""
        own = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, item in node.value:
            if not (isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style):
                yield key, item
                continue
            for source in item.value if isinstance(item, yaml.SequenceNode) else [item]:
                if not isinstance(source, yaml.MappingNode) or id(source) in self._open:
                    self._problem(key, "<< takes a mapping or a list of mappings")
                    continue
                for inner_key, inner in source.value:
                    if inner_key.value not in own:
                        merged.setdefault(inner_key.value, (inner_key, inner))
        yield from merged.values()

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        if node.tag.startswith("!") or node.style:
            return text if text or node.style else None
        if node.tag not in (_PLAIN + "str", _PLAIN + "null"):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text

    def _problem(self, node: yaml.Node, message: str) -> None:
        self._problems.append(AuthorProblem(self._file, node.start_mark.line + 1, message))
