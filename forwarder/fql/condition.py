"""Compiles a statement into Python functions, once, and evaluates it for events.

Types are as strict as https://segment.com/docs/api/public-api/fql/ says: values of different types are never equal; `>`,
`>=`, `<` and `<=` are true for numbers alone; `and`, `or` and `!` take every value but `true` for false.
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from optilocal.forwarder.fql.functions import FUNCTIONS, EvaluationError, is_number, type_name
from optilocal.forwarder.fql.glob import compile_glob
from optilocal.forwarder.fql.parser import Ir, StatementError, parse
from optilocal.forwarder.fql.paths import getter

Value = Any
Evaluate = Callable[[Any], Value]

ALL: Final = "all"
"""The statement that is true for every event."""

_NUMERIC: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Condition:
    """A compiled statement: `text` as written, `ir` its intermediate form (None for `all`)."""

    def __init__(self, text: str) -> None:
        """Parses and compiles a statement. Raises `StatementError`."""
        self.text = text
        self.ir: Ir = None if text == ALL else parse(text)
        self._evaluate: Evaluate = (lambda _: True) if text == ALL else compile_ir(self.ir)

    def value(self, event: Any) -> Value:
        """The statement's value for an event. Raises `EvaluationError`."""
        return self._evaluate(event)

    def matches(self, event: Any) -> bool:
        """Whether the statement's value is true; any other value, such as a string, counts as false. Raises
        `EvaluationError`.
        """
        return self._evaluate(event) is True

    def holding(self, event: Any) -> str | None:
        """The first part of the statement, of several joined by `or`, that is true for the event, as text. None where the
        statement has one part.
        """
        if not isinstance(self.ir, list) or self.ir[0] != "or":
            return None
        return next((written(part) for part in self.ir[1:] if compile_ir(part)(event) is True), None)


def compiled(text: str) -> Condition | StatementError:
    """The condition, or the error of a statement that is not FQL, which shows when it is evaluated."""
    try:
        return Condition(text)
    except StatementError as error:
        return error


def fields_of(ir: Ir) -> frozenset[str]:
    """The paths of all fields in a statement."""
    if isinstance(ir, str):
        return frozenset({ir})
    if isinstance(ir, dict):
        return (
            frozenset().union(*map(fields_of, ir["value"])) if isinstance(ir["value"], list) else frozenset()
        )
    return frozenset().union(*map(fields_of, ir[1:])) if isinstance(ir, list) else frozenset()


def written(ir: Ir) -> str:
    """An intermediate form as the text of a statement."""
    if isinstance(ir, str):
        return ir
    if isinstance(ir, dict):
        return _literal(ir["value"])
    head, *rest = ir
    if head in ("and", "or"):
        return f" {head} ".join(
            f"({written(part)})" if _head(part) in ("and", "or") else written(part) for part in rest
        )
    if head == "!":
        return f"!{_operand(rest[0])}"
    if head in FUNCTIONS:
        return f"{head}({', '.join(map(_operand, rest))})"
    return f"{_operand(rest[0])} {head} {_operand(rest[1])}"


def _head(ir: Ir) -> str | None:
    return str(ir[0]) if isinstance(ir, list) else None


def _operand(ir: Ir) -> str:
    head = _head(ir)
    return written(ir) if head is None or head == "!" or head in FUNCTIONS else f"({written(ir)})"


def _literal(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_operand, value))}]"
    if isinstance(value, str):
        return f'"{value}"' if "'" in value else f"'{value}'"
    return str(FUNCTIONS["string"].call(value))


def compile_ir(ir: Ir) -> Evaluate:
    """Compiles an intermediate form into a function of the event, which may raise `EvaluationError`."""
    if isinstance(ir, str):
        return getter(ir)
    if isinstance(ir, dict):
        return _compile_literal(ir["value"])
    head, *rest = ir
    if head == "match" and isinstance(rest[1], dict) and isinstance(rest[1]["value"], str):
        return partial(_match_compiled, compile_ir(rest[0]), compile_glob(rest[1]["value"]))
    parts = [compile_ir(part) for part in rest]
    if head == "and":
        return partial(_all, parts)
    if head == "or":
        return partial(_any, parts)
    if head == "!":
        (part,) = parts
        return lambda event: part(event) is not True
    if head in FUNCTIONS:
        return partial(_call, FUNCTIONS[head].call, parts)
    left, right = parts
    if head == "=":
        return lambda event: same(left(event), right(event))
    if head == "!=":
        return lambda event: not same(left(event), right(event))
    if head == "in":
        return lambda event: _among(left(event), right(event))
    return partial(_compare, _NUMERIC[head], left, right)


def _compile_literal(value: Value) -> Evaluate:
    if not isinstance(value, list):
        return lambda _: value
    items = [compile_ir(item) for item in value]
    return lambda event: [item(event) for item in items]


def same(left: Value, right: Value) -> bool:
    """Whether two values have the same type and are equal. The order of an object's names counts, since npm
    `@segment/tsub` compares their JSON texts.
    """
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    return type_name(left) == type_name(right) and bool(left == right)


def _all(parts: list[Evaluate], event: Any) -> bool:
    return all(part(event) is True for part in parts)


def _any(parts: list[Evaluate], event: Any) -> bool:
    return any(part(event) is True for part in parts)


def _call(function: Callable[..., Value], parts: list[Evaluate], event: Any) -> Value:
    return function(*[part(event) for part in parts])


def _match_compiled(text: Evaluate, matches: Callable[[str], bool], event: Any) -> bool:
    value = text(event)
    return isinstance(value, str) and matches(value)


def _compare(holds: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate, event: Any) -> bool:
    first, second = left(event), right(event)
    return is_number(first) and is_number(second) and holds(first, second)


def _among(value: Value, items: Value) -> bool:
    if not isinstance(items, list):
        raise EvaluationError(f"`in` needs a list on its right, not {type_name(items)}")
    return any(same(value, item) for item in items)
