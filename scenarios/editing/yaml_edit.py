"""Edits of a YAML text at its nodes: a value replaced, an entry added or taken out; all else stays as it is."""

from typing import Any

import yaml

from optilocal.scenarios.editing.yaml_text import block, entry, flow, line
from optilocal.scenarios.language.yaml_nodes import NodePath, compose

_FLOW_WIDTH = 100


class CannotEdit(Exception):
    """The place cannot be edited without touching another one; the text says why."""


class Editor:
    """Edits of one document of a text; `number` counts its documents that are not empty, from 0."""

    def __init__(self, text: str, number: int) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._root, self._offset_of = compose(text, number)
        self._edits: list[tuple[int, int, str]] = []

    def text(self) -> str:
        """The text with every edit made. Raises CannotEdit where two of them meet."""
        changed, last = self._text, len(self._text)
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2], reverse=True):
            if end > last:
                raise CannotEdit("two changes meet in one place")
            changed = changed[:start] + new.replace("\n", self._newline) + changed[end:]
            last = start
        return changed

    def replace(self, path: NodePath, value: Any) -> None:
        """Put a value in the place of the node at `path`."""
        parents, node = self._find(path)
        start, end = self._span(node)
        parent = parents[-1] if parents else None
        one_line = flow(value) if _in_flow(parents) else line(value)
        # A mapping over several lines below a key can take a block in its place; inside { } and [ ] nothing can.
        if isinstance(parent, yaml.MappingNode) and not _in_flow(parents):
            key = _key(parent, path[-1])
            key_end = self._span(key)[1]
            gap = self._text[key_end:start]
            if gap.strip() == ":" and len(one_line) > _FLOW_WIDTH:
                self._add(key_end, end, ":\n" + block(value, self._column(key) + 2).rstrip("\n"))
                return
            if gap.strip() == ":" and "\n" in gap:
                self._add(key_end, end, f": {one_line}")
                return
        lead = "" if start and self._text[start - 1] in " \t\n-[{," else " "
        self._add(start, end, lead + one_line)

    def remove(self, path: NodePath) -> None:
        """Take out an entry of a mapping or an item of a list; what encloses the last one becomes `{}` or `[]`."""
        parents, node = self._find(path)
        parent = parents[-1]
        entries = _entries(parent)
        index = next(i for i, (_, value) in enumerate(entries) if value is node)
        if len(entries) == 1:
            self.replace(path[:-1], {} if isinstance(parent, yaml.MappingNode) else [])
            return
        head, _ = entries[index]
        start, end = self._span(head)[0], self._span(node)[1]
        if _is_flow(parent):
            if index:
                start = self._span(entries[index - 1][1])[1]
            else:
                end = self._span(entries[1][0])[0]
            self._add(start, end, "")
            return
        if isinstance(parent, yaml.SequenceNode):
            start = self._text.rindex("-", 0, start)
        line_start = self._text.rfind("\n", 0, start) + 1
        if self._text[line_start:start].strip():
            # The first entry shares its line with what encloses it: the next one moves up.
            if index or isinstance(parent, yaml.SequenceNode):
                raise CannotEdit("it shares its line with something else")
            self._add(start, self._span(entries[1][0])[0], "")
            return
        line_end = self._text.find("\n", end)
        self._add(line_start, len(self._text) if line_end < 0 else line_end + 1, "")

    def add(self, path: NodePath, key: str | None, values: list[Any]) -> None:
        """Add one entry (with `key`) to the mapping at `path`, or items (without) to the list."""
        _, node = self._find(path)
        entries = _entries(node)
        _, end = self._span(node)
        written = [flow(value) if key is None else f"{flow(key)}: {flow(value)}" for value in values]
        if not entries:
            whole: Any = values if key is None else {key: values[0]}
            self.replace(path, whole)
        elif _is_flow(node):
            self._add(end - 1, end - 1, "".join(f", {text}" for text in written))
        else:
            at = self._span(entries[-1][1])[1]
            line_end = self._text.find("\n", at)
            line_end = len(self._text) if line_end < 0 else line_end
            if self._text[at:line_end].lstrip()[:1] in (",", "}", "]"):
                raise CannotEdit("it shares its line with something else")
            if key is None:
                indent = self._column_of(self._text.rindex("-", 0, self._span(entries[-1][0])[0]))
                text = block(values, indent)
            else:
                text = entry(key, values[0], self._column(entries[0][0]))
            self._add(line_end, line_end, "\n" + text.rstrip("\n"))

    def _find(self, path: NodePath) -> tuple[list[yaml.Node], yaml.Node]:
        parents: list[yaml.Node] = []
        node = self._root
        for step in path:
            parents.append(node)
            child = _child(node, step)
            if child is None:
                raise CannotEdit(f"{step!r} does not stand there by itself")
            head, value = child
            # An alias gives the node that it stands for, which is written further up.
            if (
                value.start_mark.index < head.start_mark.index
                or value.start_mark.index < node.start_mark.index
            ):
                raise CannotEdit("it is shared by an alias")
            node = value
        return parents, node

    def _span(self, node: yaml.Node) -> tuple[int, int]:
        """Where a node begins and ends, the blank lines and comments after a block left out."""
        start = self._offset_of(node.start_mark.index)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return start, self._span(last[1] if isinstance(last, tuple) else last)[1]
        end = self._offset_of(node.end_mark.index)
        while end > start and self._text[end - 1] in " \t\r\n":
            end -= 1
        return start, end

    def _column(self, node: yaml.Node) -> int:
        return self._column_of(self._span(node)[0])

    def _column_of(self, offset: int) -> int:
        return offset - (self._text.rfind("\n", 0, offset) + 1)

    def _add(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of what is between two offsets."""
        self._edits.append((start, end, text))


def _entries(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    return [(item, item) for item in node.value] if isinstance(node, yaml.SequenceNode) else []


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """What stands under a step, with what tells where it should stand: its key, or the item before it."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[max(step - 1, 0)], node.value[step]
    return None


def _key(node: yaml.MappingNode, step: str | int) -> yaml.Node:
    key_node: yaml.Node = next(key for key, _ in node.value if key.value == step)
    return key_node


def _in_flow(parents: list[yaml.Node]) -> bool:
    return any(map(_is_flow, parents))


def _is_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)
