"""The tokens of a statement: paths, texts, numbers, operators, brackets.

Written from https://segment.com/docs/api/public-api/fql/. What the page leaves open is as in Segment's published lexer
(npm `@segment/fql-ts`): a text has no escapes and ends at the next quote of its kind, so that `'a\\*'` reaches `match`
with its backslash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from optilocal.forwarder.fql.problems import StatementError

WORDS: Final = {
    "and": "and",
    "or": "or",
    "in": "in",
    "true": "literal",
    "false": "literal",
    "null": "literal",
}
_LITERALS: Final = {"true": True, "false": False, "null": None}
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_PART = r"(?:[A-Za-z0-9_-]|\\.)+"
_WORD: Final = re.compile(rf"{_PART}(?:\.{_PART})*|\+[0-9][0-9.]*", re.DOTALL)
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_TEXT: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_SIGN: Final = re.compile(r"!=|>=|<=|[=<>!()\[\],]")


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `kind` is "path", "literal" (with its `value`), "and", "or", "in", "end" or the sign itself."""

    kind: str
    text: str
    at: int
    value: str | int | float | bool | None = None


def tokens(text: str) -> list[Token]:
    """The tokens of a statement, the last of the kind "end". Raises `StatementError`."""
    found: list[Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            return [*found, Token("end", "", at)]
        token = _token(text, at)
        found.append(token)
        at += len(token.text)


def _token(text: str, at: int) -> Token:
    if match := _TEXT.match(text, at):
        return Token("literal", match[0], at, match[0][1:-1])
    if match := _SIGN.match(text, at):
        return Token(match[0], match[0], at)
    if match := _WORD.match(text, at):
        word = match[0]
        if _NUMBER.fullmatch(word):
            return Token("literal", word, at, _number(word))
        if word in WORDS:
            return Token(WORDS[word], word, at, _LITERALS.get(word))
        if word[0] == "+":
            raise StatementError("there is no such number", text, at)
        return Token("path", word, at)
    if text[at] in "'\"":
        raise StatementError("the text has no closing quote", text, at)
    if text[at] == "\\":
        raise StatementError("a backslash needs a character after it", text, at)
    raise StatementError(
        "an FQL statement has no such character; in a field's name write \\ before it", text, at
    )


def _number(word: str) -> int | float:
    number = float(word)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
