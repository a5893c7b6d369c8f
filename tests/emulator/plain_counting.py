"""The counts of rows, worked out from the rows alone: what the emulator's step-by-step counting is held against."""

from collections.abc import Iterable
from typing import Any

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import deduplication_key
from optilocal.emulator.counting.results import Totals, visitor_contribution
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.history import DatafileHistory

RULES = Rules()


def results(rows: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> dict[str, Any]:
    """`GET /_emulator/results` over rows of any visitors, replays included."""
    return totals(rows, history, rules).results(history)


def totals(rows: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> Totals:
    """The sum over rows of any visitors, replays included."""
    by_visitor: dict[str, list[EventRow]] = {}
    for row in deduplicate(rows, rules):
        by_visitor.setdefault(row["visitor_id"] or "", []).append(row)
    summed = Totals()
    for visitor_rows in by_visitor.values():
        summed.add(visitor_contribution(visitor_rows, history, rules))
    return summed


def deduplicate(rows: Iterable[EventRow], rules: Rules = RULES) -> list[EventRow]:
    """Collapse rows with one de-duplication key: the first received wins.

    First received is the lowest `number`, or what comes first among rows that have none. Rows without a uuid are kept.
    Source: https://docs.developers.optimizely.com/web/docs/troubleshooting-events-api
    """
    seen: set[tuple[str | None, ...]] = set()
    kept = []
    for row in sorted(rows, key=lambda row: row.get("number", 0)):
        if row["uuid"]:
            key = deduplication_key(row, rules)
            if key in seen:
                continue
            seen.add(key)
        kept.append(row)
    return kept
