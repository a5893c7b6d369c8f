"""Judgements folded into counts: per visitor, so that they can be added and taken away again, and the shapes they are read in."""

from collections.abc import Iterable
from typing import Any

from emulator.attribution import Rules
from emulator.datafile_history import DatafileHistory
from emulator.event_row import EventRow

Contribution = dict[str, Any]


def visitor_contribution(rows: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> Contribution:
    """What one visitor adds to the results; `rows` are all rows of that visitor, replays collapsed, in any order."""
    raise NotImplementedError


class Totals:
    """The sum of visitors' contributions; exact, so that taking one away again leaves what was there before."""

    def add(self, contribution: Contribution) -> None:
        raise NotImplementedError

    def subtract(self, contribution: Contribution) -> None:
        raise NotImplementedError

    def results(self, history: DatafileHistory) -> dict[str, Any]:
        """`GET /_emulator/results`: `{"experiments": {…}}`."""
        raise NotImplementedError

    def rest_results(self, experiment_id: str, history: DatafileHistory) -> dict[str, Any] | None:
        """`GET /v2/experiments/<id>/results`, or None (204) when the experiment is known but has no data.

        Raises KeyError when no revision of the datafile lists the experiment.
        """
        raise NotImplementedError


def results(rows: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> dict[str, Any]:
    """The contract's results over rows of any visitors, replays included."""
    raise NotImplementedError
