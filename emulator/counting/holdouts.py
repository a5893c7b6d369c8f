"""Holdouts: one visitor among those who are held out or among everyone else, and what its conversions add there.

A holdout has metrics and results of its own: "compare what happened to the holdout group against everyone else"
(world.optimizely.com, 2026-03-30; docs.developers.optimizely.com/feature-experimentation/docs/global-holdouts).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.standing import Rules, bot_filtered, place_in_time
from optilocal.emulator.datafile.datafile import Event, Experiment
from optilocal.emulator.datafile.history import DatafileHistory

Group = Literal["holdout", "everyone_else"]
GROUPS: tuple[Group, ...] = ("holdout", "everyone_else")


@dataclass(frozen=True)
class HoldoutStanding:
    """One visitor and one holdout: `first` is the earliest decision that counts and `group` where it puts the visitor,
    whatever a later decision says; `counting` are all decisions that count.
    """

    holdout: Experiment
    group: Group
    first: EventRow
    counting: tuple[EventRow, ...]


class HoldoutStandings:
    """One visitor's standings in all holdouts, from all its decisions, whatever their order of arrival.

    A decision counts for a holdout when it was taken in an environment that has the holdout, for the account of that
    environment, while the holdout ran, and is neither malformed nor held back nor a filtered bot's. A decision by
    another holdout puts nobody among everyone else.
    """

    def __init__(self, decisions: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> None:
        self._history, self._rules = history, rules
        self._all: dict[str, HoldoutStanding] = {}
        if not history.holdouts:
            return
        found: dict[str, list[tuple[EventRow, Group]]] = {}
        for row in sorted(decisions, key=_place):
            for holdout_id, group in self._groups(row):
                found.setdefault(holdout_id, []).append((row, group))
        for holdout_id, rows in found.items():
            first, group = rows[0]
            holdout, counting = history.holdouts[holdout_id].holdout, tuple(row for row, _ in rows)
            self._all[holdout_id] = HoldoutStanding(holdout, group, first, counting)

    def all(self) -> list[HoldoutStanding]:
        """The standings in every holdout for which a decision of the visitor counts."""
        return list(self._all.values())

    def settle(self, decision: EventRow) -> bool:
        """Whether one more decision changes nothing here: an earlier one counts, or it counts for no holdout."""
        for holdout_id, _ in self._groups(decision):
            known = self._all.get(holdout_id)
            if known is None or _place(known.first) > _place(decision):
                return False
        return True

    def counted(self, conversion: EventRow) -> list[tuple[HoldoutStanding, Event]]:
        """The standings that a conversion counts for, each with the event that it is: from the first decision on, while
        the holdout runs, for a metric of the holdout.
        """
        if not self._all or conversion["problems"]:
            return []
        history, now = self._history, event_time(conversion)
        event = history.find_event(conversion["entity_id"], conversion["key"], now)
        if event is None or bot_filtered(conversion, history, self._rules):
            return []
        return [
            (standing, event)
            for holdout_id, standing in self._all.items()
            if event_time(standing.first) <= now
            and conversion["account_id"] in history.holdouts[holdout_id].accounts
            and event.id in history.holdouts[holdout_id].metrics
            and (history.running_at(holdout_id, now) or self._rules.count_after_pause)
        ]

    def _groups(self, row: EventRow) -> Iterator[tuple[str, Group]]:
        """The ids of the holdouts that a decision counts for, each with where it puts its visitor."""
        history, rule_id, now = self._history, row["experiment_id"], event_time(row)
        if row["problems"] or row["holdback"] or bot_filtered(row, history, self._rules):
            return
        for holdout_id, scope in history.holdouts.items():
            held_out = rule_id == holdout_id
            if not held_out:
                known = rule_id in scope.rules if rule_id else row["flag_key"] in scope.flags
                if not known or row["rule_type"] == "holdout":
                    continue
            if row["account_id"] in scope.accounts and history.running_at(holdout_id, now):
                yield holdout_id, "holdout" if held_out else "everyone_else"


def _place(row: EventRow) -> tuple[int, bool, tuple[int, str, str]]:
    """By time; of one decide that is hit by a local holdout and goes on to other rules, the holdout comes first."""
    return event_time(row), row["rule_type"] != "holdout", place_in_time(row)
