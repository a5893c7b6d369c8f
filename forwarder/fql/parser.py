r"""A statement as tokens, and the tokens as Segment's published intermediate form: `["=", "type", {"value": "track"}]`.

The tokens follow https://segment.com/docs/api/public-api/fql/. Where the page is silent they follow Segment's published
lexer (npm `@segment/fql-ts`): a string has no escapes and ends at the next quote of its kind, so `'a\*'` reaches `match`
with its backslash.

In the intermediate form a string is a field's path, `{"value": …}` a literal, and any other list an operator or function
with its operands. npm `@segment/tsub`, Segment's engine for browsers, evaluates this form.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from optilocal.forwarder.fql.functions import FUNCTIONS


class StatementError(ValueError):
    """A statement that is not FQL: one line that says what is wrong and at which character."""

    what = "is not valid FQL"

    def __init__(self, problem: str, text: str, at: int) -> None:
        where = "at its end" if at >= len(text) else f"at character {at + 1}, {_excerpt(text[at:])}"
        super().__init__(f"{problem} {where}")
        self.at = at


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 20 else f"{text[:20]}…")


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
    parsed: list[Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            return [*parsed, Token("end", "", at)]
        token = _token(text, at)
        parsed.append(token)
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
            raise StatementError("this is not a number", text, at)
        return Token("path", word, at)
    if text[at] in "'\"":
        raise StatementError("the text has no closing quote", text, at)
    if text[at] == "\\":
        raise StatementError("a backslash needs a character after it", text, at)
    raise StatementError("FQL does not have this character; in a field's name write \\ before it", text, at)


def _number(word: str) -> int | float:
    number = float(word)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


COMPARISONS: Final = ("=", "!=", ">", ">=", "<", "<=", "in")
_OPENING: Final = ("!", "(", "[", "literal", "path")
MAX_DEPTH: Final = 100
"""The deepest nesting of parentheses and functions; deeper statements are refused, so that the stack is not exhausted."""

Ir = Any


def parse(text: str) -> Ir:
    """The intermediate form of a statement. Raises `StatementError`."""
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._position = 0
        self._depth = 0

    def statement(self) -> Ir:
        if self._peek().kind == "end":
            raise StatementError("the statement is empty", self._text, len(self._text))
        tree = self._or()
        if self._peek().kind != "end":
            raise self._unexpected("an operator, `and`, `or` or the end")
        return tree

    def _or(self) -> Ir:
        return self._joined("or", self._and)

    def _and(self) -> Ir:
        return self._joined("and", self._negation)

    def _joined(self, word: str, part: Any) -> Ir:
        parts = [part()]
        while self._peek().kind == word:
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else [word, *parts]

    def _negation(self) -> Ir:
        left = self._operand()
        if self._peek().kind not in COMPARISONS:
            return left
        operator = self._next().kind
        return [operator, left, self._operand()]

    def _operand(self) -> Ir:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise StatementError(
                f"the statement is nested deeper than {MAX_DEPTH}", self._text, self._peek().at
            )
        tree = self._nested()
        self._depth -= 1
        return tree

    def _nested(self) -> Ir:
        token = self._peek()
        if token.kind not in _OPENING:
            raise self._unexpected("a field, a value, a function or a parenthesis")
        self._next()
        if token.kind == "!":
            return ["!", self._operand()]
        if token.kind == "(":
            inner = self._or()
            self._expect(")")
            return inner
        if token.kind == "literal":
            return {"value": token.value}
        if token.kind == "[":
            return {"value": self._list()}
        return self._function(token) if self._peek().kind == "(" else token.text

    def _list(self) -> list[Ir]:
        items: list[Ir] = []
        while self._peek().kind != "]":
            if items:
                self._expect(",")
            items.append(self._operand())
        self._next()
        return items

    def _function(self, name: Token) -> Ir:
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise StatementError(f"there is no function {name.text!r}", self._text, name.at)
        self._next()
        arguments: list[Ir] = []
        while self._peek().kind != ")":
            if arguments:
                self._expect(",")
            arguments.append(self._operand())
        self._next()
        if len(arguments) != function.takes:
            wants = "1 value" if function.takes == 1 else f"{function.takes} values"
            raise StatementError(f"{name.text} takes {wants}, not {len(arguments)}", self._text, name.at)
        return [name.text, *arguments]

    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _expect(self, kind: str) -> None:
        if self._peek().kind != kind:
            raise self._unexpected(f"`{kind}`")
        self._next()

    def _unexpected(self, wanted: str) -> StatementError:
        return StatementError(f"expected {wanted}", self._text, self._peek().at)
