"""What can be wrong with a statement of the filter query language, and with one evaluation of it."""

from __future__ import annotations


class StatementError(ValueError):
    """A statement that is not FQL: one line that says what is wrong and at which character."""

    def __init__(self, problem: str, text: str, at: int) -> None:
        where = "at its end" if at >= len(text) else f"at character {at + 1}, {_shown(text[at:])}"
        super().__init__(f"{problem} {where}")
        self.at = at


class EvaluationError(ValueError):
    """A statement that is FQL but cannot be evaluated for this event: Segment logs an internal error then and drops
    the event (https://segment.com/docs/connections/destinations/destination-filters/#error-handling).
    """


def _shown(text: str) -> str:
    return repr(text if len(text) <= 20 else f"{text[:20]}…")
