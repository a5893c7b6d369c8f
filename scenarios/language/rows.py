"""One scenario, many rows: `rows:` lists values, `${name}` stands for them anywhere in the document."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.matchers import Matcher, plain
from optilocal.scenarios.language.problems import AuthorProblem, meant
from optilocal.scenarios.language.yaml_nodes import Document, NodePath

_PLACE = re.compile(r"(?<!\$)\$\{([^{}]+)\}")
_LITERAL = "$${"
"""How an author writes `${` where no value of a row is meant."""


@dataclass(frozen=True, slots=True)
class Row:
    """A document with one row's values filled in; `line` is the row's, `suffix` makes its name unique among the rows."""

    document: Document
    line: int
    suffix: str = ""


def expand(document: Document, problems: list[AuthorProblem]) -> Iterator[Row]:
    """The document itself, or one filled-in document for each of its rows. Mistakes join `problems`."""
    value = document.value
    if not isinstance(value, dict) or "rows" not in value:
        checker = Checker(document)
        if not any("${" in line for line in document.text):
            yield Row(document, document.first_line)
            return
        for path, name in _places(value, ()):
            checker.problem(
                path,
                f"${{{name}}} stands for a value of a row, and there is no `rows`; add "
                f"`rows: [{{{name}: …}}]`, or write $${{{name}}} for the text itself",
            )
        problems.extend(checker.problems)
        if not checker.problems:
            yield Row(replace(document, value=_fill(value, {})), document.first_line)
        return
    checker = Checker(document)
    rows = value["rows"]
    if checker.kind(rows, ("rows",), list, "a list", "rows"):
        if not rows:
            checker.problem(("rows",), "rows is empty: nothing would run")
        for index, row in enumerate(rows):
            if checker.kind(row, ("rows", index), dict, "a mapping of name: value", "a row"):
                checker.no_matchers(row, ("rows", index), "a row")
        template = {key: item for key, item in value.items() if key != "rows"}
        for path, name in _places(template, ()):
            for row in rows:
                if isinstance(row, dict) and name not in row:
                    checker.problem(path, f"${{{name}}}: a row has no {name!r}{meant(name, row)}")
    problems.extend(checker.problems)
    if checker.problems:
        return
    lines = frozenset(document.line(("rows", index)) for index in range(len(rows)))
    told_apart = bool(_PLACE.search(str(value.get("scenario", ""))))
    for index, row in enumerate(rows):
        line = document.line(("rows", index))
        suffix = (
            "" if told_apart else f" [{', '.join(f'{name}={_as_text(item)}' for name, item in row.items())}]"
        )
        yield Row(replace(document, value=_fill(template, row), rows_at=lines), line, suffix)


def _places(value: Any, path: NodePath) -> Iterator[tuple[NodePath, str]]:
    if isinstance(value, Matcher):
        yield from _places(value.argument, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _places(key, (*path, key))
            yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))
    elif isinstance(value, str):
        for name in _PLACE.findall(value):
            yield path, name


def _fill(value: Any, row: dict[str, Any]) -> Any:
    """A text that is one placeholder becomes the row's value as it is; within a text the value is written out."""
    if isinstance(value, Matcher):
        return replace(value, argument=_fill(value.argument, row))
    if isinstance(value, dict):
        return {_fill_text(key, row): _fill(item, row) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, row) for item in value]
    if isinstance(value, str):
        whole = _PLACE.fullmatch(value)
        return row[whole[1]] if whole else _fill_text(value, row)
    return value


def _fill_text(text: str, row: dict[str, Any]) -> str:
    if "${" not in text:
        return text
    return _PLACE.sub(lambda match: _as_text(row[match[1]]), text).replace(_LITERAL, "${")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
