"""Results of a part of what was stored: a date range, a segment, outliers smoothed; counted from the rows each time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.date_range import DateRange
from optilocal.emulator.counting.results import Totals, visitor_contribution
from optilocal.emulator.counting.segmentation import Segment
from optilocal.emulator.counting.smoothing import Revenues
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory


@dataclass(frozen=True)
class Question:
    """What is asked of the results; all of it absent asks for everything."""

    dates: DateRange = field(default_factory=DateRange)
    segment: Segment | None = None
    smoothing: bool = False

    @property
    def is_plain(self) -> bool:
        return self.is_whole and not self.smoothing

    @property
    def is_whole(self) -> bool:
        """Whether it is asked of all that was recorded."""
        return not (self.dates or self.segment)


def recount(
    visitors: Iterable[Iterable[EventRow]], question: Question, history: DatafileHistory, rules: Rules
) -> Totals:
    """The totals of a question over each visitor's rows, replays collapsed; one visitor's at a time are held.

    A visitor belongs to the first variation seen in the date range, and what lies outside it is not looked at
    (docs/optimizely.md, "Counting").
    """
    totals, revenues = Totals(), Revenues() if question.smoothing else None
    for rows in visitors:
        inside = [row for row in rows if question.dates.contains(event_time(row))]
        totals.add(visitor_contribution(inside, history, rules, question.segment, revenues))
    if revenues is not None:
        totals.smooth(revenues)
    return totals
