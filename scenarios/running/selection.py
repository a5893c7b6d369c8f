"""Which of the loaded scenarios run: `-k EXPR`, `--tag TAG`, and `file:line` among the paths."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.paths import SUITE, typed
from optilocal.scenarios.language.problems import CannotRun
from optilocal.scenarios.language.scenario import Scenario

_TOKEN = re.compile(r"""\s*(?:(\(|\))|"([^"]*)"|'([^']*)'|([^\s()"']+))""")
_AT_LINE = re.compile(r"(.+):(\d+)")
_Test = Callable[[str], bool]


def choose(
    paths: Sequence[str], expression: str | None = None, tags: Sequence[str] = (), *, updating: bool = False
) -> list[Scenario]:
    """The scenarios at these paths (none: the shipped suite) that match. Raises CannotRun or ScenarioError."""
    plain, lines = split_paths(paths)
    loaded = load(plain or [SUITE], updating=updating)
    return select(loaded, lines=lines, expression=expression, tags=tags)


def split_paths(paths: Iterable[str]) -> tuple[list[Path], dict[Path, set[int]]]:
    """The paths to load, and for each named as `file:line` the lines wanted of it."""
    plain: list[Path] = []
    lines: dict[Path, set[int]] = {}
    for text in paths:
        match = _AT_LINE.fullmatch(text)
        if match and not Path(text).exists():
            path = typed(match[1])
            lines.setdefault(path.resolve(), set()).add(int(match[2]))
            plain.append(path)
        else:
            plain.append(typed(text))
    return plain, lines


def select(
    scenarios: list[Scenario], *, lines: dict[Path, set[int]], expression: str | None, tags: Iterable[str]
) -> list[Scenario]:
    """The scenarios that every given choice keeps. Raises CannotRun for an unreadable expression or an empty choice."""
    chosen = [scenario for scenario in scenarios if _at_line(scenario, lines)]
    test = parse(expression) if expression else None
    if test:
        chosen = [
            scenario
            for scenario in chosen
            if test(f"{scenario.name}\n{scenario.id}\n{' '.join(scenario.tags)}".casefold())
        ]
    wanted = set(tags)
    if wanted:
        chosen = [scenario for scenario in chosen if wanted.intersection(scenario.tags)]
    if not chosen:
        raise CannotRun(
            f"none of the {len(scenarios)} scenarios is chosen; `optilocal run --list` shows them with their tags"
        )
    return chosen


def _at_line(scenario: Scenario, lines: dict[Path, set[int]]) -> bool:
    wanted = lines.get(scenario.file.resolve()) if lines else None
    if wanted is None:
        return True
    first = scenario.document.first_line
    last = first + scenario.source.count("\n")
    rows = scenario.document.rows_at
    return any(scenario.line == line if line in rows else first <= line <= last for line in wanted)


def parse(expression: str) -> _Test:
    """`revenue and not (late or "no user")`: each word must be part of name, file or tags, whatever its case."""
    tokens = list(_tokens(expression))
    test, rest = _either(tokens, expression)
    if rest:
        raise _unreadable(expression, rest[0])
    return test


def _tokens(expression: str) -> Iterator[str]:
    at = 0
    while at < len(expression.rstrip()):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise _unreadable(expression, expression[at:].strip())
        at = match.end()
        word = next((group for group in match.groups()[1:3] if group is not None), None)
        yield f'"{word}' if word is not None else match[1] or match[4]


def _either(tokens: list[str], expression: str) -> tuple[_Test, list[str]]:
    left, tokens = _both(tokens, expression)
    while tokens and tokens[0] == "or":
        right, tokens = _both(tokens[1:], expression)
        left = _or(left, right)
    return left, tokens


def _both(tokens: list[str], expression: str) -> tuple[_Test, list[str]]:
    left, tokens = _single(tokens, expression)
    while tokens and tokens[0] not in ("or", ")"):
        right, tokens = _single(tokens[1:] if tokens[0] == "and" else tokens, expression)
        left = _and(left, right)
    return left, tokens


def _single(tokens: list[str], expression: str) -> tuple[_Test, list[str]]:
    if not tokens or tokens[0] in ("and", "or", ")"):
        raise _unreadable(expression, tokens[0] if tokens else "its end")
    head, *rest = tokens
    if head == "not":
        inner, rest = _single(rest, expression)
        return (lambda text: not inner(text)), rest
    if head == "(":
        inner, rest = _either(rest, expression)
        if not rest or rest[0] != ")":
            raise _unreadable(expression, "a parenthesis that is not closed")
        return inner, rest[1:]
    word = head.removeprefix('"').casefold()
    return (lambda text: word in text), rest


def _and(left: _Test, right: _Test) -> _Test:
    return lambda text: left(text) and right(text)


def _or(left: _Test, right: _Test) -> _Test:
    return lambda text: left(text) or right(text)


def _unreadable(expression: str, at: str) -> CannotRun:
    return CannotRun(
        f"-k {expression!r} cannot be read at {at!r}; write words with and, or, not and parentheses"
    )
