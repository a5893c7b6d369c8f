"""Liquid's filters for numbers, which are doubles, NaN and Infinity included."""

import math
from collections.abc import Callable
from typing import Any, Final

from optilocal.forwarder.destination.liquid.values import number, plain, tidy
from optilocal.forwarder.javascript.values import Value, to_number


def _on_numbers(calculate: Callable[..., float]) -> Callable[..., Value]:
    def run(*values: Value) -> Value:
        return tidy(calculate(*(float(number(value)) for value in values)))

    return run


def _divide(dividend: float, divisor: float) -> float:
    if divisor:
        try:
            return dividend / divisor
        except OverflowError:
            return math.inf
    return math.nan if dividend == 0 or math.isnan(dividend) else math.copysign(math.inf, dividend)


def _divided_by(dividend: float, divisor: float = math.nan, whole: float = 0, *_: float) -> float:
    quotient = _divide(dividend, divisor)
    return _floor(quotient) if whole else quotient


def _floor(value: float, *_: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value


def _ceil(value: float, *_: float) -> float:
    return float(math.ceil(value)) if math.isfinite(value) else value


def _modulo(value: float, divisor: float = math.nan, *_: float) -> float:
    if divisor == 0 or math.isinf(value) or math.isnan(divisor):
        return math.nan
    return math.fmod(value, divisor)


def _half_up(value: float) -> float:
    if not math.isfinite(value) or abs(value) >= 2**52:
        return value
    below = math.floor(value)
    return float(below + (value - below >= 0.5))


def _round(value: Value, digits: Value = 0, *_: Value) -> Value:
    amount = float(number(value))
    try:
        scale = 10.0 ** float(number(digits))
    except OverflowError:
        scale = math.inf
    scaled = _half_up(abs(amount * scale))
    sign = 0.0 if amount == 0 else math.copysign(1.0, amount)
    # Half is rounded away from zero; infinity divided by infinity is NaN.
    return tidy(_divide(sign * scaled, scale) if not (math.isinf(scaled) and math.isinf(scale)) else math.nan)


def _to_integer(value: Value, *_: Value) -> Value:
    return to_number(plain(value))


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "abs": _on_numbers(lambda value, *_: abs(value)),
    "at_least": _on_numbers(lambda *values: max(values)),
    "at_most": _on_numbers(lambda *values: min(values)),
    "ceil": _on_numbers(_ceil),
    "divided_by": _on_numbers(_divided_by),
    "floor": _on_numbers(_floor),
    "minus": _on_numbers(lambda left, right=math.nan, *_: left - right),
    "modulo": _on_numbers(_modulo),
    "plus": _on_numbers(lambda left, right=math.nan, *_: left + right),
    "round": _round,
    "times": _on_numbers(lambda left, right=math.nan, *_: left * right),
    "to_integer": _to_integer,
}
