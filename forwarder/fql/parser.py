"""A statement → Segment's published intermediate form, nested arrays such as `["=", "type", {"value": "track"}]`.

In it a plain text is a field's path, `{"value": …}` a literal, a list's items are items of that kind, and everything else
an operator or a function with what it takes. npm `@segment/tsub`, Segment's engine for browsers, evaluates this form.
"""

from __future__ import annotations

from typing import Any, Final

from optilocal.forwarder.fql.functions import FUNCTIONS
from optilocal.forwarder.fql.lexer import Token, tokens
from optilocal.forwarder.fql.problems import StatementError

COMPARISONS: Final = ("=", "!=", ">", ">=", "<", "<=", "in")
_OPENING: Final = ("!", "(", "[", "literal", "path")
MAX_DEPTH: Final = 100
"""How deep parentheses and functions may be nested; what is deeper is refused instead of exhausting the stack."""

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
        found = self._or()
        if self._peek().kind != "end":
            raise self._unexpected("an operator, `and`, `or` or the end")
        return found

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
        found = self._nested()
        self._depth -= 1
        return found

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
