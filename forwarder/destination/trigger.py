"""Segment's FQL dialect for triggers: a flat list of conditions, joined by the last connective in the text.

Source: @segment/destination-subscriptions parse-fql.ts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from optilocal.forwarder.destination.trigger_lexer import EOS, LexerError, Token, lex
from optilocal.forwarder.errors import JavaScriptTypeError
from optilocal.forwarder.javascript.values import (
    OBJECT_PROPERTIES,
    UNDEFINED,
    Value,
    get_property,
    number_to_string,
    to_number,
    to_primitive_string,
    truthy,
)

_NO_TYPE: Final = "Cannot read properties of undefined (reading 'type')"
_PLAIN: Final = {"type": "type", "event": "event", "name": "name", "userId": "userId"}
_NESTED: Final = ("context", "properties", "traits")
_FUNCTIONS: Final = ("contains", "match")
_PATH_KEYS: Final = re.compile(r"[^\[.\]]+")


class _ParseError(ValueError):
    """The text is not a trigger; the message is Segment's."""


@dataclass(frozen=True)
class _Condition:
    """One test of one value: that of the event's key `source`, or of the `path` below it."""

    source: str
    path: str | None
    operator: str
    expected: Value = UNDEFINED

    def as_tuple(self) -> tuple[object, ...]:
        name = self.source if self.path is None else f"{self.source}.{self.path}"
        return name, self.operator, self.expected

    def holds(self, event: Value) -> bool:
        if event is None:
            raise JavaScriptTypeError(f"Cannot read properties of null (reading '{self.source}')")
        actual = get_property(event, self.source)
        if self.path is not None:
            actual = _look_up(actual, self.path)
        test = _TESTS.get(self.operator)
        return test is not None and test(actual, self.expected)


@dataclass(frozen=True)
class _Group:
    """Conditions under one connective. None is an empty pair of parentheses, whose evaluation raises."""

    operator: str
    children: tuple[_Condition | _Group | None, ...]

    def holds(self, event: Value) -> bool:
        return (all if self.operator == "and" else any)(self._results(event))

    def as_tuple(self) -> tuple[object, ...]:
        return (self.operator, *(None if child is None else child.as_tuple() for child in self.children))

    def _results(self, event: Value) -> Any:
        for child in self.children:
            if child is None:
                raise JavaScriptTypeError(_NO_TYPE)
            yield child.holds(event)


@dataclass(frozen=True)
class Trigger:
    """A parsed trigger. `problem` is Segment's message where it does not parse: then nothing matches."""

    text: str
    problem: str | None
    _group: _Group | None

    @property
    def conditions(self) -> tuple[object, ...] | None:
        """`("and" | "or", part, …)`, where a part is such a tuple, `(name, operator, expected)`, or None for an empty
        pair of parentheses; None where the text does not parse.
        """
        return None if self._group is None else self._group.as_tuple()

    def matches(self, event: Value) -> bool:
        """Whether the trigger matches an event. Raises `JavaScriptTypeError` for an event that is null."""
        return self._group is not None and event is not UNDEFINED and self._group.holds(event)


@lru_cache(maxsize=1024)
def compile_trigger(text: str) -> Trigger:
    """Parses a trigger, once for each text; never raises."""
    try:
        tokens = _join_names(lex(text))
    except LexerError:
        # Segment's parser goes on without tokens, which is the error in its message.
        return Trigger(text, _NO_TYPE, None)
    try:
        parsed = _Parser(tokens).parse()
    except _ParseError as error:
        return Trigger(text, str(error), None)
    if parsed is None:
        return Trigger(text, _NO_TYPE, None)
    return Trigger(text, None, parsed if isinstance(parsed, _Group) else _Group("and", (parsed,)))


def _join_names(tokens: list[Token]) -> list[Token]:
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        is_dot = tokens[at].type == "dot" and at + 1 < len(tokens) and tokens[at + 1].type == "ident"
        if is_dot and joined and joined[-1].type == "ident":
            joined[-1] = Token("ident", f"{joined[-1].value}.{tokens[at + 1].value}")
            at += 2
        else:
            joined.append(tokens[at])
            at += 1
    return joined


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _shift(self) -> Token | None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        self._at += 1
        return token

    def _need(self, problem: str) -> Token:
        token = self._shift()
        if token is None:
            raise _ParseError(problem)
        return token

    def parse(self) -> _Condition | _Group | None:
        nodes: list[_Condition | _Group | None] = []
        operator = "and"
        token = self._shift()
        while token is not None and token.type != "eos":
            if token.type == "ident":
                nodes.extend(self._comparison(token))
                if token.value in _FUNCTIONS:
                    nodes.extend(self._function(token.value, negated=False))
            elif token == Token("operator", "!"):
                follower = self._tokens[self._at] if self._at < len(self._tokens) else None
                if follower is None:
                    raise _ParseError(_NO_TYPE)
                if follower.type == "ident" and follower.value in _FUNCTIONS:
                    self._shift()
                    nodes.extend(self._function(follower.value, negated=True))
            elif token.type == "parenleft":
                nodes.append(self._parenthesis())
            elif token.type == "conditional":
                operator = token.value
            token = self._shift()
        if len(nodes) > 1:
            return _Group(operator, tuple(nodes))
        return nodes[0] if nodes else None

    def _parenthesis(self) -> _Condition | _Group | None:
        inner: list[Token] = []
        token = self._need(_NO_TYPE)
        while token.type != "parenright":
            inner.append(token)
            token = self._need(_NO_TYPE)
        return _Parser([*inner, EOS]).parse()

    def _comparison(self, name: Token) -> list[_Condition]:
        start = name.value.split(".")[0]
        if start not in _PLAIN and start not in _NESTED:
            # A property of every JavaScript object, such as toString, takes two tokens and makes no condition.
            if start in OBJECT_PROPERTIES:
                self._need("Operator token is missing")
                self._need("Value token is missing")
            return []
        operator = self._need("Operator token is missing").value
        value = self._need("Value token is missing")
        if start in _PLAIN:
            return [_plain_condition(start, operator, value)]
        path = name.value.removeprefix(f"{start}.")
        return [_nested_condition(start, path, operator, value)]

    def _function(self, function: str, *, negated: bool) -> list[_Condition]:
        self._shift()
        name = self._need(f"{function}() is missing a 1st argument").value
        self._shift()
        value = self._need(f"{function}() is missing a 2nd argument")
        self._shift()
        expected = _as_text(_value_of(value))
        if function == "contains":
            operator = "contains"
        elif value.value.endswith('*"'):
            operator, expected = "starts_with", expected[:-1]
        else:
            operator, expected = "ends_with", expected[1:]
        operator = f"not_{operator}" if negated else operator
        conditions = (
            [_Condition(name, None, operator, expected)] if name in ("event", "name", "userId") else []
        )
        for start in _NESTED:
            if name.startswith(start):
                conditions.append(_Condition(start, name.removeprefix(f"{start}."), operator, expected))
        return conditions


def _plain_condition(source: str, operator: str, value: Token) -> _Condition:
    special = _special_operator(operator, value)
    allowed = {"name": ("exists", "not_exists"), "userId": ("exists", "not_exists", "is_true", "is_false")}
    if special in allowed.get(source, ()):
        return _Condition(source, None, special)
    return _Condition(source, None, operator, _as_text(_value_of(value)))


def _nested_condition(source: str, path: str, operator: str, value: Token) -> _Condition:
    special = _special_operator(operator, value)
    if special in ("number_equals", "number_not_equals"):
        return _Condition(source, path, special, _value_of(value))
    if special:
        return _Condition(source, path, special)
    return _Condition(source, path, operator, _value_of(value))


def _special_operator(operator: str, value: Token) -> str:
    if operator == "=":
        words = {"true": "is_true", "false": "is_false", "null": "not_exists"}
        return words.get(value.value, "number_equals" if value.type == "number" else "")
    if operator == "!=":
        return "exists" if value.value == "null" else "number_not_equals" if value.type == "number" else ""
    return ""


def _value_of(token: Token) -> Value:
    if token.type == "string":
        return token.value.removeprefix('"').removesuffix('"')
    if token.type == "number":
        return to_number(token.value)
    if token.type == "ident" and token.value in ("true", "false"):
        return token.value == "true"
    return token.value


def _as_text(value: Value) -> str:
    return number_to_string(value) if isinstance(value, float) else to_primitive_string(value)


def _look_up(value: Value, path: str) -> Value:
    if not path:
        return UNDEFINED
    keys = _PATH_KEYS.findall(path)
    if not keys:
        raise JavaScriptTypeError("Cannot read properties of null (reading 'reduce')")
    for key in keys:
        if not truthy(value):
            break
        value = get_property(value, key)
    return value


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(test: Callable[[str, str], bool]) -> Callable[[Value, Value], bool]:
    return lambda actual, expected: isinstance(actual, str) and test(actual, to_primitive_string(expected))


def _number(test: Callable[[float, float], bool]) -> Callable[[Value, Value], bool]:
    return lambda actual, expected: _is_number(actual) and test(actual, to_number(expected))


def _equals(actual: Value, expected: Value) -> bool:
    return isinstance(actual, str) and actual == to_primitive_string(expected)


# Every one of these names works as an operator in a trigger, since Segment's parser accepts any word there.
_TESTS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "=": _equals,
    "!=": lambda actual, expected: not _equals(actual, expected),
    "number_equals": _number(lambda actual, expected: actual == expected),
    "number_not_equals": _number(lambda actual, expected: actual != expected),
    "<": _number(lambda actual, expected: actual < expected),
    "<=": _number(lambda actual, expected: actual <= expected),
    ">": _number(lambda actual, expected: actual > expected),
    ">=": _number(lambda actual, expected: actual >= expected),
    "contains": _text(lambda actual, expected: expected in actual),
    "not_contains": _text(lambda actual, expected: expected not in actual),
    "starts_with": _text(lambda actual, expected: actual.startswith(expected)),
    "not_starts_with": _text(lambda actual, expected: not actual.startswith(expected)),
    "ends_with": _text(lambda actual, expected: actual.endswith(expected)),
    "not_ends_with": _text(lambda actual, expected: not actual.endswith(expected)),
    "exists": lambda actual, _: actual is not UNDEFINED and actual is not None,
    "not_exists": lambda actual, _: actual is UNDEFINED or actual is None,
    "is_true": lambda actual, _: actual is True,
    "is_false": lambda actual, _: actual is False,
}
