"""The step past one row that cannot be worked on, so that one bad row does not keep all the others waiting."""

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import Judged, Position, Step
from optilocal.emulator.projection.visitor import NOTHING

_LAST = 2**63 - 1


def past(journal: Journal, at: Position, work: str) -> tuple[Step, str] | None:
    """The step that leaves the first row of a kind of work as it is, and what that row is called; None when there is none.

    `work` is one of `project` (a request), `judge` (a verdict), `settle` (a visitor's counts), `drop` (the oldest event).
    """
    step = Step(at, at.exchange, at.event)
    if work == "project":
        for request in journal.pending(at.exchange, 1):
            step.exchange, step.namespaces[request.namespace] = request.number, 1
            return step, f"request {request.number}"
    elif work == "judge":
        for row in journal.unjudged(1):
            step.judged[row["number"]] = Judged(None, "[]", row["version"])
            return step, f"verdict {row['number']}"
    elif work == "settle":
        for visitor in journal.stale_visitors(1):
            step.visitors[visitor] = NOTHING
            return step, f"visitor {visitor[1]!r:.100}"
    else:
        for row in journal.oldest_events(_LAST, 1):
            step.dropped = {"events": row["number"]}
            return step, f"event {row['number']}"
    return None
