"""Which timestamps a clock can have shown, and the unit that was probably meant by one that no clock shows.

Optimizely publishes no bounds; those here are assumed (docs/optimizely.md, "Timestamps").
"""

from dataclasses import dataclass

from optilocal.emulator.wording import when

YEAR_2010 = 1_262_304_000_000
DAY = 86_400_000
YEAR = 365 * DAY


def in_bounds(value: int, received_at: int) -> bool:
    """Whether a timestamp is from 2010 on and less than a year after the event arrived; both epoch milliseconds."""
    return YEAR_2010 <= value < received_at + YEAR


@dataclass(frozen=True)
class Meant:
    """The unit in which a timestamp was probably sent, and the epoch milliseconds that it then is."""

    unit: str
    ms: int


def unit_meant(value: int | float, received_at: int) -> Meant | None:
    """The unit in which a timestamp that is out of bounds makes a time within them; None when none does."""
    units = (("seconds", 1_000, 1), ("microseconds", 1, 1_000), ("nanoseconds", 1, 1_000_000))
    for unit, times, divided_by in units:
        ms = int(value * times // divided_by)
        if in_bounds(ms, received_at):
            return Meant(unit, ms)
    return None


def outside(value: int | float, received_at: int) -> str:
    """What is wrong with a timestamp that is out of bounds, to follow its name in a sentence."""
    side = "before 2010" if value < YEAR_2010 else "more than a year after the event arrived"
    meant = unit_meant(value, received_at)
    shown = when(int(value))
    read = "is later than any calendar" if shown.endswith(" ms") else f"is {shown}, {side}"
    if meant is None:
        return f"{value} {read}"
    return f"{value} {read}; it was probably sent in {meant.unit} and would then be {when(meant.ms)}"


def ahead(value: int, received_at: int) -> str | None:
    """The note on a timestamp within the bounds that is more than a day after the event arrived; None for any other."""
    if value <= received_at + DAY:
        return None
    return f"The timestamp {value} ({when(value)}) is in the future: more than a day after the event arrived"
