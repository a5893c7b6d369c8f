"""Arithmetic of the benches: medians, percentiles, ratios, growth. Pure functions over plain numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def median(values: Sequence[float]) -> float:
    """The middle value. Raises ValueError where there is none."""
    if not values:
        raise ValueError("there is no median of nothing")
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed. Raises ValueError where there is none."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ratio(ours: float, theirs: float) -> float:
    """Ours by theirs. Raises ValueError for a comparison with nothing."""
    if theirs <= 0:
        raise ValueError(f"nothing can be compared with {theirs}")
    return ours / theirs


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of rounds that were measured next to each other: what slows both does not show."""
    return median([ratio(one, other) for one, other in zip(ours, theirs, strict=True)])


@dataclass(frozen=True)
class Line:
    """A straight line: `start` at x = 0, `slope` for each x."""

    slope: float
    start: float

    def at(self, x: float) -> float:
        """Its height at `x`."""
        return self.start + self.slope * x


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """The line of least squares. Raises ValueError for fewer than two places on the x axis."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if len(set(xs)) < 2:
        raise ValueError("a line needs two places")
    found = statistics.linear_regression(xs, ys)
    return Line(found.slope, found.intercept)


def growth(points: Sequence[tuple[float, float]]) -> float:
    """How much the fitted line rises from the first to the last place, by its height at the first: 0.02 is 2 %."""
    line = fit(points)
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    return ratio(line.at(last) - line.at(first), line.at(first))


def rounded(value: float) -> str:
    """A number with three digits that mean something, thousands apart: 12,300 · 0.0456 · 7.5."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):,.{max(digits, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
