"""YAML text → plain values that remember their lines: YAML 1.2's idea of a scalar, matcher tags, no duplicate keys."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from optilocal.scenarios.language import yaml_errors
from optilocal.scenarios.language.problems import AuthorProblem, Mark, ScenarioError

Step = str | int
NodePath = tuple[Step, ...]
Marks = tuple[Mark, Mark]
"""Where the key of a node stands, and where its value does; the same for a list's item."""
PutIn = dict[int, list[int]]
"""The columns of the spaces put into a line, by line; both from 1."""
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
MOST_BYTES = 5_000_000
MOST_REPEATED = 100_000
"""So many values may come from anchors a second time: `*a` in a list in `*b` in a list in `*c` multiplies without end."""
DEEPEST = 100


class _Nodes(yaml.CSafeLoader):
    """Composes nodes only. Scalars are read below, by YAML 1.2: in 1.1 the key `on` would become true."""


_Nodes.yaml_implicit_resolvers = {}


@dataclass(frozen=True)
class Document:
    """One YAML document: its plain `value`, where every node of it stands by path, and the lines of its file."""

    file: Path
    value: Any
    first_line: int
    marks: dict[NodePath, Marks] = field(repr=False)
    text: Sequence[str] = field(repr=False)
    rows_at: frozenset[int] = frozenset()
    """The lines its rows stand at, when it has any: `file:line` of one of them means that row alone."""

    def line(self, path: NodePath) -> int:
        """The line of the node at `path`, else of the nearest node above it."""
        return self.mark(path, at_key=True).line

    def mark(self, path: NodePath, *, at_key: bool = False) -> Mark:
        """Where the value at `path` stands, or its key; else the nearest node above it.

        A value that begins below its key is found at the key.
        """
        while path and path not in self.marks:
            path, at_key = path[:-1], True
        key, value = self.marks.get(path, (Mark(self.first_line), Mark(self.first_line)))
        return key if at_key or key.line != value.line else value

    def problem(self, mark: Mark, message: str) -> AuthorProblem:
        """A mistake that stands at this place."""
        return problem_in(self.file, self.text, mark, message)


def problem_in(file: Path, lines: Sequence[str], mark: Mark, message: str) -> AuthorProblem:
    """A mistake in a file of these lines, which it shows."""
    source = lines[mark.line - 1] if 0 < mark.line <= len(lines) else None
    return AuthorProblem(file, mark, message, source)


def read_documents(file: Path, text: str, read_tag: TagReader) -> list[Document]:
    """All non-empty documents of a YAML text. Raises ScenarioError with the place of what cannot be read."""
    if len(text) > MOST_BYTES:
        size = f"{len(text) / 1e6:.1f} MB"
        limit = f"the limit is {MOST_BYTES // 1_000_000} MB; divide it into several files"
        raise ScenarioError([AuthorProblem(file, Mark(1), f"this file has {size}, {limit}")])
    lines = text.splitlines()
    reader = _Reader(file, lines, read_tag)
    documents = []
    nodes, _, put_in = _compose(file, text)
    for node in nodes:
        if not _is_empty(node):
            value, marks = reader.document(node, put_in)
            documents.append(Document(file, value, node.start_mark.line + 1, marks, lines))
    if reader.problems:
        raise ScenarioError(reader.problems)
    return documents


def reads_as_text(plain: str) -> bool:
    """Whether an unquoted scalar is read as the text it is: no number, no word such as true or null."""
    return not (plain in _WORDS or _INT.fullmatch(plain) or _FLOAT.fullmatch(plain))


def compose(text: str, number: int) -> tuple[yaml.Node, Callable[[int], int]]:
    """The root of one non-empty document, counted from 0, and what turns an offset of its marks into one of the text.

    The two differ where a space was put in for the parser's sake.
    """
    nodes, parsed, _ = _compose(Path(), text)
    put_in: list[int] = []
    for offset, character in enumerate(parsed):
        here = offset - len(put_in)
        if here >= len(text) or text[here] != character:
            put_in.append(offset)
    roots = [node for node in nodes if not _is_empty(node)]
    return roots[number], lambda offset: offset - bisect_left(put_in, offset)


def _compose(file: Path, text: str) -> tuple[list[yaml.Node], str, PutIn]:
    """Composed nodes, the text they stand in, and each space put into it: `[!uuid]` and `{a: !uuid}` are what the format
    shows, yet the parser wants a space after a tag.
    """
    original, put_in = text, PutIn()
    while True:
        try:
            return list(yaml.compose_all(text, Loader=_Nodes)), text, put_in
        except yaml.MarkedYAMLError as error:
            place = error.problem_mark
            spaced = _space_after_tag(text, error)
            if spaced is None or place is None:
                mark, message = yaml_errors.in_words(text, error)
                mark = _moved_back(mark, put_in)
                raise ScenarioError([problem_in(file, original.splitlines(), mark, message)]) from None
            put_in.setdefault(place.line + 1, []).append(place.column + 1)
            text = spaced
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            mark, message = yaml_errors.unreadable(original, error)
            raise ScenarioError([problem_in(file, original.splitlines(), mark, message)]) from None


def _moved_back(mark: Mark, put_in: PutIn) -> Mark:
    """The place in the text as its author wrote it."""
    if mark.line not in put_in:
        return mark
    before = sum(column < mark.column for column in put_in[mark.line])
    return replace(mark, column=mark.column - before)


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


class _TooMuch(Exception):
    """A document is larger than what will be read."""


class _Reader:
    def __init__(self, file: Path, lines: Sequence[str], read_tag: TagReader) -> None:
        self._file, self._lines, self._read_tag = file, lines, read_tag
        self._put_in = PutIn()
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0
        self._marks: dict[NodePath, Marks] = {}
        self.problems: list[AuthorProblem] = []

    def document(self, node: yaml.Node, put_in: PutIn) -> tuple[Any, dict[NodePath, Marks]]:
        """The plain value of a document's root, and where each node of it stands."""
        self._put_in, self._marks = put_in, {}
        try:
            return self.read(node, ()), self._marks
        except _TooMuch:
            raise ScenarioError(self.problems) from None

    def read(self, node: yaml.Node, path: NodePath) -> Any:
        mark = self._mark(node)
        self._marks[path] = self._marks[path][0] if path in self._marks else mark, mark
        if id(node) in self._open:
            return self._problem(node, "this alias contains itself")
        self._limit(node, path)
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

    def _limit(self, node: yaml.Node, path: NodePath) -> None:
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > MOST_REPEATED:
            self._problem(
                node,
                f"anchors repeat more than {MOST_REPEATED:,} values; write out what is needed, or use `rows`",
            )
            raise _TooMuch
        if len(path) > DEEPEST:
            self._problem(node, f"values are nested more than {DEEPEST} deep")
            raise _TooMuch

    def _mark(self, node: yaml.Node) -> Mark:
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return _moved_back(Mark(start.line + 1, start.column + 1, max(length, 1)), self._put_in)

    def _mapping(self, node: yaml.MappingNode, path: NodePath) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key_node, item in self._entries(node):
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, "a key must be plain text")
                continue
            key = key_node.value
            if key in value:
                first = self._marks[*path, key][0].line
                self._problem(key_node, f"the key {key!r} stands twice, first in line {first}; remove one")
                continue
            mark = self._mark(key_node)
            self._marks[*path, key] = mark, mark
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
        self.problems.append(problem_in(self._file, self._lines, self._mark(node), message))
