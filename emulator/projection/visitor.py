"""One visitor of a namespace while its events come in: its decisions, and what it adds to the namespace's totals."""

from collections.abc import Iterable

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import Judgement, judge_by
from optilocal.emulator.counting.holdouts import HoldoutStandings
from optilocal.emulator.counting.results import Contribution, Totals, shares
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory


class Visitor:
    """Brought further event by event, as they come, replays left out; `totals` are kept in step."""

    __slots__ = ("_contribution", "_converted", "_decisions", "_history", "_holdouts", "_rules", "_standings")

    def __init__(self, history: DatafileHistory, rules: Rules) -> None:
        self._history, self._rules = history, rules
        self._decisions: list[EventRow] = []
        self._standings: Standings | None = None
        self._holdouts: HoldoutStandings | None = None
        self._contribution = Contribution()
        self._converted = False

    @property
    def standings(self) -> Standings:
        """Where the visitor stands by all its decisions."""
        if self._standings is None:
            self._standings = Standings(self._decisions, self._history, self._rules)
        return self._standings

    def _held(self) -> HoldoutStandings:
        if self._holdouts is None:
            self._holdouts = HoldoutStandings(self._decisions, self._history, self._rules)
        return self._holdouts

    def load(self, decisions: Iterable[EventRow]) -> None:
        """Take the decisions that are known, before anything else."""
        self._decisions = list(decisions)
        self._contribution = shares(self.standings, self._held())

    def decide(self, decision: EventRow, totals: Totals) -> bool:
        """Take one more decision; False when it may change what becomes of earlier conversions: then nothing is taken.

        One that changes nothing, as most that an SDK sends again, is not remembered.
        """
        if self.standings.settle(decision) and self._held().settle(decision):
            return True
        if self._converted:
            return False
        self._decisions.append(decision)
        self._standings = self._holdouts = None
        totals.subtract(self._contribution)
        self._contribution = shares(self.standings, self._held())
        totals.add(self._contribution)
        return True

    def convert(self, judgement: Judgement, conversion: EventRow, totals: Totals | None) -> None:
        """Take one more conversion, judged by the standings; without totals it is counted in already."""
        self._converted = True
        held = self._held().counted(conversion)
        if judgement.attributed_to or held:
            (totals or Totals()).count_in(self._contribution, judgement, held, conversion)

    def forget(self, conversion: EventRow, totals: Totals) -> None:
        """Take a conversion out again."""
        judgement = judge_by(conversion, self.standings, with_details=False)
        held = self._held().counted(conversion)
        if judgement.attributed_to or held:
            totals.count_in(self._contribution, judgement, held, conversion, -1)

    def leave(self, totals: Totals) -> None:
        """Take all of the visitor out of the totals."""
        totals.subtract(self._contribution)

    def enter(self, totals: Totals) -> None:
        """Take all of the visitor into the totals."""
        totals.add(self._contribution)
