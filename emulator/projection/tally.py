"""Running totals of one namespace, brought further event by event: a visitor is counted anew only where it has to be."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import judge_by
from optilocal.emulator.counting.holdouts import HoldoutStandings
from optilocal.emulator.counting.results import Contribution, Totals, count_in, visitor_contribution
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory

# Visitors of whom the standing and the contribution are kept, some hundred bytes each.
_KEPT_VISITORS = 50_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Tally:
    """The totals from the event `since` up to `number`, under one history of the datafiles and one `state` of the journal.

    Events come in the order of their numbers, replays left out.
    """

    def __init__(
        self, history: DatafileHistory, rules: Rules, state: tuple[int, Any, int], since: int
    ) -> None:
        self.history, self.rules, self.state = history, rules, state
        self.since = since
        self.number = since - 1
        self.totals = Totals()
        # Of each visitor the decisions that settle where it belongs, and what it adds to the totals.
        self._visitors: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()
        self._knows_all = True

    def add(self, row: EventRow, number: int, rows_of: Callable[[str], Sequence[EventRow]]) -> None:
        """Count one more event in; `rows_of` gives all events of a visitor up to and with this one."""
        visitor = row["visitor_id"]
        self.number = number
        if visitor is None:
            return
        kept = self._visitors.get(visitor)
        if kept is None:
            # Whoever was never left out and is not known has done nothing before.
            rows = [row] if self._knows_all else rows_of(visitor)
            before = [each for each in rows if each.get("number", number) != number]
            self._replace(visitor, visitor_contribution(before, self.history, self.rules), rows)
            return
        decisions: list[EventRow] = _decode(kept[0])
        standings = Standings(decisions, self.history, self.rules)
        holdouts = HoldoutStandings(decisions, self.history, self.rules)
        if row["kind"] == "decision":
            if not (standings.settle(row) and holdouts.settle(row)):
                self._replace(visitor, _decode(kept[1]), rows_of(visitor))
            return
        judgement, held = judge_by(row, standings, told=False), holdouts.counted(row)
        if judgement.attributed_to or held:
            contribution: Contribution = _decode(kept[1])
            self.totals.subtract(contribution)
            count_in(contribution, judgement, held, row)
            self.totals.add(contribution)
            self._visitors[visitor] = (kept[0], _encode(contribution))
        self._visitors.move_to_end(visitor)

    def _replace(self, visitor: str, old: Contribution, rows: Sequence[EventRow]) -> None:
        new = visitor_contribution(rows, self.history, self.rules)
        self.totals.subtract(old)
        self.totals.add(new)
        decisions = [row for row in rows if row["kind"] == "decision"]
        standings = Standings(decisions, self.history, self.rules)
        firsts = [standing.first for standing in standings.all() if standing.first is not None]
        firsts += [standing.first for standing in HoldoutStandings(decisions, self.history, self.rules).all()]
        # It counts, so its user agent is that of no bot that is filtered out.
        settling = [
            {**first, "tags": {}, "attributes": [], "user_agent_bot": False}
            for first in {id(first): first for first in firsts}.values()
        ]
        self._visitors[visitor] = (_encode(settling), _encode(new))
        self._visitors.move_to_end(visitor)
        if len(self._visitors) > _KEPT_VISITORS:
            self._visitors.popitem(last=False)
            self._knows_all = False
