"""The errors of the emulator's own surface, in one table."""

from collections.abc import Mapping
from typing import ClassVar

from optilocal.emulator.journal.store import JournalAwayError, JournalError
from optilocal.serving import problems


class Problem(problems.Problem):
    """An error of the table: its code, and one sentence that says what, where and what to do."""

    statuses: ClassVar[Mapping[str, int]] = {
        **problems.COMMON,
        "invalid_datafile": 400,
        "invalid_fault": 400,
        "invalid_clock": 400,
        "invalid_delivery": 400,
        "invalid_run": 400,
        "invalid_prediction": 400,
        "invalid_forced": 400,
        "invalid_preview": 400,
        "page_token": 403,
        "unknown_datafile": 404,
        "unknown_run": 404,
        "unknown_request": 404,
        "unknown_rule": 404,
        "unknown_prediction": 404,
        "no_forwarder": 409,
        "no_recorder": 409,
        "not_recorded": 409,
        "already_processed": 409,
        "no_export": 409,
        "too_many_namespaces": 429,
        "journal_failed": 500,
        "forwarder_unreachable": 502,
        "journal_away": 503,
        "not_ready": 503,
    }


def journal_problem(error: JournalError) -> Problem:
    """What whoever asked is told when the journal fails: to come back, when that may help."""
    if isinstance(error, JournalAwayError):
        return Problem("journal_away", str(error), {"Retry-After": "1"})
    return Problem("journal_failed", str(error))
