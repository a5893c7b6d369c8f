"""YAML's own errors in an author's words, at the place where the author can mend them."""

import re
from collections.abc import Callable, Iterator, Sequence

import yaml
from yaml.reader import ReaderError

from optilocal.scenarios.language.problems import Mark

_CLOSING = {"{": "}", "[": "]"}
_KEY = re.compile(r"\s*(?:-\s+)*[^\s#'\"][^:#]*:(?:\s|$)")
_PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")


def in_words(text: str, error: yaml.MarkedYAMLError) -> tuple[Mark, str]:
    """Where the mistake is in the text, and one line that says what it is and what to do."""
    lines = text.splitlines() or [""]
    problem = _mark(error.problem_mark or error.context_mark, lines)
    context = _mark(error.context_mark or error.problem_mark, lines)
    problem_text, around = error.problem or "", error.context or ""
    line = lines[problem.line - 1]
    at = line[problem.column - 1 : problem.column]
    if "tab character" in problem_text or at == "\t":
        return _tab(lines, problem), "there is a tab here; YAML is indented with spaces"
    if "flow" in around and problem_text.startswith("did not find expected ',' or"):
        return _in_brackets(lines, context, problem)
    if "quoted scalar" in around and "end of stream" in problem_text:
        quote = lines[context.line - 1][context.column - 1]
        return context, f"the quote {quote} that opens here is never closed"
    if problem_text == "did not find expected node content" and not at:
        opened = _never_closed(lines)
        if opened:
            return opened, f"the {lines[opened.line - 1][opened.column - 1]} that opens here is never closed"
    for pattern, place, message in _MESSAGES:
        if pattern in problem_text and (place != "context" or error.context_mark):
            where = context if place == "context" else problem
            return where, message(lines, where) if callable(message) else message
    reason = " ".join(part for part in (around, problem_text) if part)
    return problem, f"this is not valid YAML: {reason}"


def unreadable(text: str, error: yaml.YAMLError | UnicodeEncodeError) -> tuple[Mark, str]:
    """The same for a text with characters that YAML does not allow."""
    if isinstance(error, UnicodeEncodeError):
        position = error.start
    else:
        position = error.position if isinstance(error, ReaderError) else 0
    before = text[:position]
    mark = Mark(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)
    code = f"U+{ord(text[position]):04X}" if position < len(text) else "this one"
    return (
        mark,
        f"the character {code} is not allowed in YAML; in double quotes write it as an escape, such as \\u0001",
    )


def _mark(mark: yaml.Mark | None, lines: Sequence[str]) -> Mark:
    """The place, kept within the text: an error at the end of a text is one behind its last line."""
    if mark is None:
        return Mark(1)
    if mark.line < len(lines):
        return Mark(mark.line + 1, mark.column + 1)
    return Mark(len(lines), len(lines[-1]) + 1)


def _tab(lines: Sequence[str], mark: Mark) -> Mark:
    line = lines[mark.line - 1]
    return Mark(mark.line, line.index("\t") + 1) if "\t" in line else mark


def _in_brackets(lines: Sequence[str], opened: Mark, problem: Mark) -> tuple[Mark, str]:
    """A bracket that is never closed at the place where it opens; else what is wrong between it and its end."""
    bracket = lines[opened.line - 1][opened.column - 1]
    closing = _CLOSING[bracket]
    line = lines[problem.line - 1]
    at = line[problem.column - 1 : problem.column]
    placeholder = next(
        (match for match in _PLACEHOLDER.finditer(line) if problem.column in _columns(match)), None
    )
    if placeholder:
        quoted = f'"{placeholder[0]}"'
        return (
            Mark(problem.line, placeholder.start() + 1, len(placeholder[0])),
            f"between {{ }} or [ ] a value of the row is written in quotes: {quoted}",
        )
    if at in ("}", "]") and at != closing:
        return Mark(problem.line, problem.column), (
            f"{at} closes the {bracket} of line {opened.line}, column {opened.column}, which needs {closing}"
        )
    if (at and problem.line == opened.line) or (at and _closes(lines, opened)):
        return problem, f"a comma is missing before this, or a {closing}"
    return opened, f"the {bracket} that opens here is never closed"


def _columns(match: re.Match[str]) -> range:
    return range(match.start() + 1, match.end() + 2)


def _closes(lines: Sequence[str], opened: Mark) -> bool:
    """Whether the bracket is closed before the next key of the block it stands in."""
    margin = _indent(lines[opened.line - 1])
    for mark, _, depth in _brackets(lines, opened):
        if mark.line > opened.line and _indent(lines[mark.line - 1]) <= margin:
            return False
        if depth == 0:
            return True
    return False


def _never_closed(lines: Sequence[str]) -> Mark | None:
    """The innermost bracket that is open at the end of the text."""
    opened: list[Mark] = []
    for mark, letter, _ in _brackets(lines, Mark(1)):
        if letter in _CLOSING:
            opened.append(mark)
        elif opened:
            opened.pop()
    return opened[-1] if opened else None


def _brackets(lines: Sequence[str], start: Mark) -> Iterator[tuple[Mark, str, int]]:
    """Each bracket outside quotes and comments from a place on: where it stands, which it is, how many are open then."""
    depth, quote = 0, ""
    for number in range(start.line, len(lines) + 1):
        line = lines[number - 1]
        for index in range(start.column - 1 if number == start.line else 0, len(line)):
            letter, before = line[index], line[index - 1] if index else " "
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "'\"" and before in " \t,:[{":
                quote = letter
            elif letter == "#" and before.isspace():
                break
            elif letter in "{}[]":
                depth += 1 if letter in _CLOSING else -1
                yield Mark(number, index + 1), letter, depth


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _colon(lines: Sequence[str], mark: Mark) -> str:
    """A colon where no key can be: in a value, or below one."""
    above = lines[mark.line - 2].rstrip() if mark.line > 1 else ""
    before = lines[mark.line - 1][: mark.column - 1]
    if above and not _KEY.match(above) and not above.lstrip().startswith(("-", "#")) and ":" not in before:
        return f"{above.strip()!r} in the line above is not a key: write `key: value`, with a space after the colon"
    if ":" not in before and above:
        return "this line is indented more than the key above it, which has a value already"
    return "a value with a colon and a space in it is written in quotes"


def _indentation(lines: Sequence[str], mark: Mark) -> str:
    line = lines[mark.line - 1]
    rest = line[mark.column - 1 :]
    before = line[: mark.column - 1].rstrip()
    if before and before[-1] in "'\"" and before.strip(" -")[0] not in "'\"":
        return "the quote is closed before this; a text that has the same quote in it doubles it, or uses the other kind"
    if (before and before[-1] in "}]") or rest[:1] in ("}", "]"):
        return "nothing may follow here: the brackets are closed before it"
    if rest.startswith("- "):
        return "a list cannot begin here: indent it like its other items, below the key it belongs to"
    return "this line is indented like no line above it: keys that belong together begin in the same column"


def _no_item(lines: Sequence[str], mark: Mark) -> str:
    if lines[mark.line - 1][mark.column - 1 :].startswith("- "):
        return "this item is indented more than those above it: the items of a list begin in the same column"
    return "this is not an item of the list above it: an item begins with `- `"


def _no_colon(lines: Sequence[str], mark: Mark) -> str:
    return f"{lines[mark.line - 1].strip()!r} has no colon: a key is written `key: value`, with a space after the colon"


def _cannot_begin(lines: Sequence[str], mark: Mark) -> str:
    letter = lines[mark.line - 1][mark.column - 1 : mark.column]
    if lines[mark.line - 1].startswith("```"):
        return "a scenario file is YAML alone: leave out the ``` lines"
    return f"a value cannot begin with {letter}; write it in quotes"


_MESSAGES: tuple[tuple[str, str, str | Callable[[Sequence[str], Mark], str]], ...] = (
    ("mapping values are not allowed", "problem", _colon),
    ("could not find expected ':'", "context", _no_colon),
    ("did not find expected key", "problem", _indentation),
    ("did not find expected '-' indicator", "problem", _no_item),
    ("character that cannot start any token", "problem", _cannot_begin),
    (
        "did not find expected node content",
        "problem",
        "a value is missing before this, or a bracket too many is closed",
    ),
    (
        "found undefined alias",
        "problem",
        "no anchor has this name; a text that begins with * is written in quotes",
    ),
    (
        "found undefined tag handle",
        "problem",
        "this is not a matcher; a text that begins with ! is written in quotes",
    ),
    (
        "unknown escape character",
        "problem",
        "in double quotes \\ begins an escape: write the text in single quotes",
    ),
    ("block sequence entries are not allowed", "problem", "a list begins on the line below its key"),
    ("expected <document start>", "problem", "a document has ended above; the next one begins with ---"),
    ("second occurrence", "problem", "this anchor (&name) stands twice; give each its own name"),
    ("expected comment or line break", "problem", "behind | or > a text begins on the next line"),
    ("exceeded maximum nesting depth", "problem", "values are nested too deep; the limit is 100"),
)
