"""Collects an author's mistakes of one document, each at the node it stands on."""

from collections.abc import Callable, Iterable
from typing import Any

from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import AuthorProblem, Mark, meant
from optilocal.scenarios.language.yaml_nodes import Document, NodePath


class Checker:
    """Collects the mistakes of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[AuthorProblem] = []

    def problem(self, path: NodePath, message: str, *, at_key: bool = False) -> None:
        """Note a mistake at the value that `path` names, or at its key."""
        self.problems.append(self.document.problem(self.document.mark(path, at_key=at_key), message))

    def problem_within(self, path: NodePath, text: str, message: str) -> None:
        """Note a mistake at a part of the text at `path`, where it can be found in its line."""
        mark = self.document.mark(path)
        line = self.document.text[mark.line - 1] if mark.line <= len(self.document.text) else ""
        at = line.find(text, mark.column - 1) if text else -1
        if at >= 0:
            mark = Mark(mark.line, at + 1, len(text))
        self.problems.append(self.document.problem(mark, message))

    def keys(
        self, value: Any, path: NodePath, allowed: Iterable[str], what: str, required: Iterable[str] = ()
    ) -> bool:
        """Whether the value is a mapping; its unknown and missing keys are noted."""
        if not isinstance(value, dict):
            self.problem(path, f"{what} must be a mapping, not {kind_name(value)}")
            return False
        allowed = tuple(allowed)
        for key in value:
            if key not in allowed:
                self.problem(
                    (*path, key), f"{what}: unknown key {key!r}{_meant_or_known(key, allowed)}", at_key=True
                )
        for key in required:
            if key not in value:
                self.problem(path, f"{what} needs {key!r}")
        return True

    def kind(self, value: Any, path: NodePath, types: type | tuple[type, ...], name: str, what: str) -> bool:
        """Whether the value is of the type (true and false are not numbers here); noted when not."""
        if isinstance(value, types) and not (isinstance(value, bool) and bool not in _tuple(types)):
            return True
        self.problem(path, f"{what} must be {name}, not {kind_name(value)}")
        return False

    def attempt(self, path: NodePath, read: Callable[[Any], Any], value: Any) -> None:
        """Note the ValueError that reading the value raises, if it does."""
        try:
            read(value)
        except ValueError as error:
            self.problem(path, str(error))

    def no_matchers(self, value: Any, path: NodePath, what: str) -> None:
        """Matchers belong into expectations; `!absent` alone may stand in a source call to leave a field out."""
        if isinstance(value, Matcher):
            self.problem(path, f"{what}: {value.tag} is for expectations; write a value here")
        elif isinstance(value, dict):
            for key, item in value.items():
                self.no_matchers(item, (*path, key), what)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.no_matchers(item, (*path, index), what)


def _meant_or_known(word: str, choices: tuple[str, ...]) -> str:
    return meant(word, choices) or f"; there are {', '.join(choices)}"


def _tuple(types: type | tuple[type, ...]) -> tuple[type, ...]:
    return types if isinstance(types, tuple) else (types,)


def kind_name(value: Any) -> str:
    """A value's kind in an author's words."""
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return (
        "nothing"
        if value is None
        else str(value)
        if isinstance(value, Matcher)
        else names.get(type(value), "something else")
    )
