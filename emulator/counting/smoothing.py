"""Outliers of revenue: what is far above the mean of its days is replaced by that mean."""

from collections import Counter
from collections.abc import Mapping

# The threshold is made anew for each day from the seven days up to it (support article 4410289414413).
DAYS = 7
_DAY = 86_400_000

Metric = tuple[str, str]


class Revenues:
    """Every attributed event's revenue, by metric (experiment id, event id), day of the event and variation."""

    def __init__(self) -> None:
        self._metrics: dict[Metric, dict[int, dict[str, Counter[int]]]] = {}

    def add(self, metric: Metric, variation_id: str, ms: int, cents: int) -> None:
        """Take in one event's revenue."""
        days = self._metrics.setdefault(metric, {})
        days.setdefault(ms // _DAY, {}).setdefault(variation_id, Counter())[cents] += 1

    def smoothed(self) -> dict[Metric, dict[str, int]]:
        """The sum of each metric's revenue by variation, outliers smoothed."""
        return {metric: smoothed_sums(days) for metric, days in self._metrics.items()}


def smoothed_sums(days: Mapping[int, Mapping[str, Counter[int]]]) -> dict[str, int]:
    """Variation → sum of its revenues, given by day and variation as value → how often.

    A value above mean + 3 standard deviations of all variations' values, of that day and the six before, counts as
    that mean, in whole cents. Integers all through, so that the order of adding does not matter.
    """
    moments = {day: _moments(values) for day, values in days.items()}
    sums: dict[str, int] = {}
    for day, by_variation in days.items():
        window = [moments[each] for each in range(day - DAYS + 1, day + 1) if each in moments]
        count, total, squares = (sum(part) for part in zip(*window, strict=True))
        # Nine times the variance, and below the distance from the mean squared, both times count².
        limit = 9 * (count * squares - total * total)
        mean = (2 * total + count) // (2 * count)
        for variation_id, values in by_variation.items():
            counted = 0
            for cents, times in values.items():
                above = count * cents - total
                counted += times * (mean if above > 0 and above * above > limit else cents)
            sums[variation_id] = sums.get(variation_id, 0) + counted
    return sums


def _moments(by_variation: Mapping[str, Counter[int]]) -> tuple[int, int, int]:
    """How many values there are, their sum, and the sum of their squares."""
    values = [pair for counter in by_variation.values() for pair in counter.items()]
    return (
        sum(times for _, times in values),
        sum(cents * times for cents, times in values),
        sum(cents * cents * times for cents, times in values),
    )
