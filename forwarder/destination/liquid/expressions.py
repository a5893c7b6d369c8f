"""Expressions of Liquid: values with properties, operators without parentheses, filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from liquid import RenderContext

from optilocal.forwarder.destination.liquid.reader import DIGITS, Reader, is_word
from optilocal.forwarder.destination.liquid.values import (
    BLANK,
    EMPTY,
    NIL,
    contains,
    equal,
    is_true,
    less,
    own_property,
    plain,
    read_path,
    text,
)
from optilocal.forwarder.errors import DestinationError
from optilocal.forwarder.javascript.values import OBJECT_PROPERTIES, UNDEFINED, Value, canonical, to_number

EVENT: Final = "event"
MOST_ITEMS: Final = 1_000_000
MOST_MEMORY: Final = 100_000_000
_WORDS: Final[dict[str, Value]] = {
    "true": True, "false": False, "nil": NIL, "null": NIL, "empty": EMPTY, "blank": BLANK,
}  # fmt: skip
_WORD_NAMES: Final = frozenset(_WORDS)
_PRECEDENCE: Final = {
    "==": 2, "!=": 2, ">": 2, "<": 2, ">=": 2, "<=": 2, "contains": 2, "not": 1, "and": 0, "or": 0,
}  # fmt: skip
_OPERATOR_NAMES: Final = frozenset(_PRECEDENCE)
_BINARY: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    ">": lambda left, right: less(right, left),
    "<": less,
    ">=": lambda left, right: less(right, left, or_equal=True),
    "<=": lambda left, right: less(left, right, or_equal=True),
    "contains": contains,
    "and": lambda left, right: is_true(left) and is_true(right),
    "or": lambda left, right: is_true(left) or is_true(right),
}
_ESCAPES: Final = re.compile(r"\\(?:(u[0-9A-Fa-f]{0,4})|([0-7]{1,3})|([\s\S])|\Z)")
_NAMED_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True)
class Literal:
    """A word, a number or a quoted string; `source` is its text in the template."""

    value: Value
    source: str

    def evaluate(self, _: RenderContext) -> Value:
        return self.value


@dataclass(frozen=True)
class Range:
    """`(low..high)`"""

    low: Operand
    high: Operand
    source: str

    def evaluate(self, context: RenderContext) -> Value:
        low, high = (to_number(plain(side.evaluate(context))) for side in (self.low, self.high))
        if high - low + 1 > MOST_ITEMS:
            raise DestinationError("memory alloc limit exceeded")
        items: list[Value] = []
        while low < high + 1:
            items.append(canonical(low))
            low += 1
        return items


@dataclass(frozen=True)
class Path:
    """A variable, or properties of a literal: `start` is None for a variable."""

    start: Literal | Range | None
    keys: tuple[Operand | str, ...]
    source: str

    def evaluate(self, context: RenderContext) -> Value:
        keys = [key if isinstance(key, str) else key.evaluate(context) for key in self.keys]
        if self.start is not None:
            return read_path(self.start.evaluate(context), keys)
        return read_path(scope_of(context, keys[0]), keys)


Operand = Literal | Range | Path


def scope_of(context: RenderContext, key: Value) -> Value:
    """The object that has a variable: the assigned variables, else the event, else an empty object."""
    key = plain(key)
    if key in context.locals if isinstance(key, str) else False:
        return context.locals
    if key in OBJECT_PROPERTIES if isinstance(key, str) else False:
        # Every JavaScript object has these, so the innermost scope has them.
        return context.locals
    event = context.globals[EVENT]
    return event if own_property(event, key) is not UNDEFINED else {}


@dataclass(frozen=True)
class Filter:
    """One filter with its arguments; a named argument is a pair of its name and its value."""

    name: str
    arguments: tuple[Operand | tuple[str, Operand | None], ...]

    def apply(self, value: Value, context: RenderContext) -> Value:
        run = context.env.filters.get(self.name)
        if run is None:
            return value
        arguments: list[Value] = []
        for argument in self.arguments:
            if isinstance(argument, tuple):
                arguments.append([argument[0], argument[1].evaluate(context) if argument[1] else UNDEFINED])
            else:
                arguments.append(argument.evaluate(context))
        _use_memory(context, self.name, value, arguments)
        return run(value, *arguments)


def _use_memory(context: RenderContext, name: str, value: Value, arguments: list[Value]) -> None:
    """Adds the size of a filter's input and output to the template's total. Raises `DestinationError` over the limit."""
    sizes = [len(item) for item in (value, *arguments) if isinstance(item, (str, list))]
    count = sum(sizes)
    if name == "replace" and len(arguments) > 1:
        count += text(value).count(text(arguments[0])) * len(text(arguments[1]))
    elif name == "join" and isinstance(value, list):
        count += len(value) * len(text(arguments[0]) if arguments else " ")
    used = context.tag_namespace["memory"] = context.tag_namespace.get("memory", 0) + count
    if used > MOST_MEMORY:
        raise DestinationError("memory alloc limit exceeded")


@dataclass(frozen=True)
class FilteredValue:
    """An expression in postfix order, and its filters."""

    postfix: tuple[Operand | str, ...]
    filters: tuple[Filter, ...]

    def evaluate(self, context: RenderContext) -> Value:
        value = self._combined(context)
        for step in self.filters:
            value = step.apply(value, context)
        return value

    def _combined(self, context: RenderContext) -> Value:
        operands: list[Value] = []
        for item in self.postfix:
            if not isinstance(item, str):
                operands.append(item.evaluate(context))
                continue
            right = operands.pop() if operands else UNDEFINED
            if item == "not":
                operands.append(not is_true(right))
            else:
                left = operands.pop() if operands else UNDEFINED
                operands.append(_BINARY[item](left, right))
        return operands[0]


def read_filtered_value(reader: Reader) -> FilteredValue:
    """Reads an expression with its filters. Raises `LiquidTokenizationError`."""
    postfix = _read_postfix(reader)
    if not postfix:
        raise reader.error(f"invalid value expression: {reader.snapshot()}")
    filters: list[Filter] = []
    while True:
        filter_ = _read_filter(reader)
        if filter_ is None:
            return FilteredValue(tuple(postfix), tuple(filters))
        filters.append(filter_)


def _read_postfix(reader: Reader) -> list[Operand | str]:
    output: list[Operand | str] = []
    waiting: list[str] = []
    while not reader.ended:
        reader.skip_blanks()
        operator = reader.match_word(_OPERATOR_NAMES)
        if operator is not None:
            reader.at += len(operator)
            while waiting and _PRECEDENCE[waiting[-1]] > _PRECEDENCE[operator]:
                output.append(waiting.pop())
            waiting.append(operator)
            continue
        operand = read_value(reader)
        if operand is None:
            break
        output.append(operand)
    return [*output, *reversed(waiting)]


def _read_filter(reader: Reader) -> Filter | None:
    reader.skip_blanks()
    if reader.ended:
        return None
    if reader.take() != "|":
        raise reader.error('expected "|" before filter')
    name = reader.read_name()
    if not name:
        if not reader.ended:
            raise reader.error("expected filter name")
        return None
    arguments: list[Operand | tuple[str, Operand | None]] = []
    reader.skip_blanks()
    if reader.peek() == ":":
        reader.at += 1
        while True:
            argument = _read_argument(reader)
            if argument is not None:
                arguments.append(argument)
            reader.skip_blanks()
            if not reader.ended and reader.peek() not in ",|":
                raise reader.error(f"unexpected character {reader.snapshot()}")
            if reader.peek() != ",":
                break
            reader.at += 1
    elif reader.peek() != "|" and not reader.ended:
        raise reader.error('expected ":" after filter name')
    return Filter(name, tuple(arguments))


def _read_argument(reader: Reader) -> Operand | tuple[str, Operand | None] | None:
    key = read_value(reader)
    if key is None:
        return None
    reader.skip_blanks()
    if reader.peek() != ":":
        return key
    reader.at += 1
    return key.source, read_value(reader)


def read_value(reader: Reader) -> Operand | None:
    """Reads one operand; None if there is none."""
    reader.skip_blanks()
    begin = reader.at
    start = _read_word(reader) or _read_text(reader) or _read_range(reader) or _read_number(reader)
    keys = _read_properties(reader, is_begin=start is None)
    if not keys:
        return start
    return Path(start, keys, reader.source[begin : reader.at])


def read_variable(reader: Reader) -> Path | None:
    """Reads a variable with its properties; None if there is none."""
    reader.skip_blanks()
    begin = reader.at
    keys = _read_properties(reader, is_begin=True)
    return Path(None, keys, reader.source[begin : reader.at]) if keys else None


def _read_properties(reader: Reader, *, is_begin: bool) -> tuple[Operand | str, ...]:
    keys: list[Operand | str] = []
    while True:
        if reader.peek() == "[":
            reader.at += 1
            key = read_value(reader)
            if not reader.read_past("]"):
                raise reader.error("[ not closed")
            keys.append("" if key is None else key)
            continue
        if is_begin and not keys:
            name = reader.read_name()
            if name:
                keys.append(name)
                continue
        if reader.peek() == "." and reader.peek(1) != ".":
            reader.at += 1
            name = reader.read_name()
            if not name:
                break
            keys.append(name)
            continue
        break
    return tuple(keys)


def _read_word(reader: Reader) -> Literal | None:
    word = reader.match_word(_WORD_NAMES)
    if word is None:
        return None
    reader.at += len(word)
    return Literal(_WORDS[word], word)


def _read_text(reader: Reader) -> Literal | None:
    quoted = reader.read_quoted()
    return None if quoted is None else Literal(_ESCAPES.sub(_unescape, quoted[1:-1]), quoted)


def _unescape(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1][1:] or "0", 16))
    if match[2]:
        return chr(int(match[2], 8))
    return _NAMED_ESCAPES.get(match[3], match[3]) if match[3] else "undefined"


def _read_range(reader: Reader) -> Range | None:
    reader.skip_blanks()
    begin = reader.at
    if reader.peek() != "(":
        return None
    reader.at += 1
    low = _need_value(reader)
    reader.skip_blanks()
    if reader.take() != "." or reader.take() != ".":
        raise reader.error("invalid range syntax")
    high = _need_value(reader)
    reader.skip_blanks()
    if reader.take() != ")":
        raise reader.error("invalid range syntax")
    return Range(low, high, reader.source[begin : reader.at])


def _need_value(reader: Reader) -> Operand:
    value = read_value(reader)
    if value is None:
        raise reader.error(f"unexpected token {reader.snapshot()}, value expected")
    return value


def _read_number(reader: Reader) -> Literal | None:
    reader.skip_blanks()
    length = 1 if reader.peek() in ("+", "-") else 0
    has_point = has_digit = False
    while reader.at + length <= reader.stop:
        char = reader.peek(length)
        if char in DIGITS:
            has_digit = True
        elif char == "." and reader.peek(length + 1) != ".":
            if has_point or not has_digit:
                return None
            has_point = True
        else:
            break
        length += 1
    follower = reader.peek(length)
    if not has_digit or (follower and is_word(follower)):
        return None
    written = reader.source[reader.at : reader.at + length]
    reader.at += length
    return Literal(to_number(written), written)
