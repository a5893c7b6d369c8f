"""The calendar and the range of JavaScript's dates. Times are in epoch milliseconds, UTC."""

import math
from typing import Final

MAX_TIME: Final = 8.64e15
DAY: Final = 86_400_000


def days_since_1970(year: int, month: int, day: int) -> int:
    """Days since 1970 in the proleptic Gregorian calendar; month (from 0) and day may be out of range and roll over."""
    year, month = year + month // 12, month % 12 + 1
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146_097 + day_of_era - 719_468 + day - 1


def civil(days: int) -> tuple[int, int, int]:
    """Year, month (from 1) and day, from the days since 1970, in the proleptic Gregorian calendar."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def clip(milliseconds: float) -> int | None:
    """A time without its fraction; None, JavaScript's invalid date, outside the range."""
    return int(milliseconds) if math.isfinite(milliseconds) and abs(milliseconds) <= MAX_TIME else None
