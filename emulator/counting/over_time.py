"""How visitors and converters of one experiment became what they are: cumulative counts at some moments."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

POINTS = 40
"""Moments that are told: as many as a picture of a few hundred pixels shows apart."""


class Course:
    """When visitors entered each variation of an experiment, and first converted with each event; epoch milliseconds."""

    def __init__(self) -> None:
        self._entered: dict[str, list[int]] = {}
        self._converted: dict[tuple[str, str], list[int]] = {}

    def enter(self, variation_id: str, at: int) -> None:
        """One more visitor of a variation."""
        self._entered.setdefault(variation_id, []).append(at)

    def convert(self, variation_id: str, event_key: str, at: int) -> None:
        """One more visitor of a variation that has converted."""
        self._converted.setdefault((variation_id, event_key), []).append(at)

    def as_json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """`{"times": [ms], "variations": {KEY: {"visitors": [n], "metrics": {EVENT KEY: [unique]}}}}`; `names` are the
        variations' keys by id. The moments are evenly apart, from the first visitor to what happened last.
        """
        every = [*self._entered.values(), *self._converted.values()]
        if not every:
            return {"times": [], "variations": {}}
        first, last = min(map(min, every)), max(map(max, every))
        points = min(POINTS, last - first + 1)
        times = [first + (last - first) * i // max(1, points - 1) for i in range(points)]
        courses: dict[str, Any] = {}
        for id_, entered in self._entered.items():
            metrics = {key: _reached(at, times) for (of, key), at in self._converted.items() if of == id_}
            courses[names.get(id_, id_)] = {"visitors": _reached(entered, times), "metrics": metrics}
        return {"times": times, "variations": courses}


def _reached(moments: list[int], times: list[int]) -> list[int]:
    ordered = sorted(moments)
    return [bisect_right(ordered, time) for time in times]
