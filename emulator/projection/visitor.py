"""One visitor of a namespace while its events come in: its decisions, and what it adds to the namespace's totals."""

from collections.abc import Iterable, Mapping

import msgspec

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.attribution import Judgement, judge_by
from optilocal.emulator.counting.holdouts import HoldoutStandings
from optilocal.emulator.counting.results import Contribution, Totals, shares
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.json_text import dumps, loads


class Standpoint:
    """Where a visitor stands by its decisions: in every experiment, and in every holdout."""

    __slots__ = ("experiments", "holdouts")

    def __init__(self, decisions: Iterable[EventRow], history: DatafileHistory, rules: Rules) -> None:
        self.experiments = Standings(decisions, history, rules)
        self.holdouts = HoldoutStandings(self.experiments.decisions, history, rules)

    def of(self, decisions: Iterable[EventRow]) -> "Standpoint":
        """Where these decisions put a visitor."""
        return Standpoint(decisions, self.experiments.history, self.experiments.rules)

    def settles(self, decision: EventRow) -> bool:
        """Whether one more decision changes nothing, as most that an SDK sends again."""
        return self.experiments.settle(decision) and self.holdouts.settle(decision)

    def needs(self, decision: EventRow) -> bool:
        """Whether one of the decisions says anything beyond the others."""
        firsts = [standing.first for standing in self.experiments.all()]
        firsts += [standing.first for standing in self.holdouts.all()]
        return any(first is decision for first in firsts) or not self.settles(decision)

    def contribution(self) -> Contribution:
        """What the visitor adds to the results before it has converted."""
        return shares(self.experiments, self.holdouts)


class Known(msgspec.Struct):
    """What the journal keeps of a visitor: which decisions matter, by their events' numbers, whether it has converted, and
    what it adds to the totals.
    """

    decisions: list[int] = []
    converted: bool = False
    counts: Contribution = msgspec.field(default_factory=Contribution)


NOTHING = dumps(Known(converted=True))
"""The text of a visitor whose events cannot be worked on."""


class Visitor:
    """Brought further event by event, as they come, replays left out; `totals` are kept in step.

    `known` is the text that the journal keeps of the visitor, None of a new one, and `decisions` are those that it names,
    by their events' numbers; `undecided` is where somebody without a decision stands.
    """

    __slots__ = ("_now", "_stands", "known")

    def __init__(
        self, undecided: Standpoint, known: str | None = None, decisions: Mapping[int, EventRow] | None = None
    ) -> None:
        self.known = known
        self._stands = undecided.of(decisions.values()) if decisions else undecided
        self._now = msgspec.convert(loads(known), Known) if known else Known()

    def as_text(self) -> str:
        """The visitor as the journal is to keep it."""
        return dumps(self._now)

    @property
    def standings(self) -> Standings:
        """Where the visitor stands by all its decisions."""
        return self._stands.experiments

    def load(self, decisions: Mapping[int, EventRow], totals: Totals) -> None:
        """Take all decisions there are, by their events' numbers, before anything else."""
        self._stands = self._stands.of(decisions.values())
        mattering = [number for number, row in decisions.items() if self._stands.needs(row)]
        self._now.decisions = mattering or list(decisions)[:1]
        self._now.counts = self._stands.contribution()
        totals.add(self._now.counts)

    def decide(self, number: int, decision: EventRow, totals: Totals) -> bool:
        """Take one more decision; False when it may change what becomes of earlier conversions: then nothing is taken."""
        if self._stands.settles(decision):
            return True
        if self._now.converted:
            return False
        self._now.decisions.append(number)
        self._stands = self._stands.of([*self.standings.decisions, decision])
        totals.subtract(self._now.counts)
        self._now.counts = self._stands.contribution()
        totals.add(self._now.counts)
        return True

    def convert(self, judgement: Judgement, conversion: EventRow, totals: Totals) -> None:
        """Take one more conversion, judged by the standings."""
        self._now.converted = True
        self._count(judgement, conversion, totals, 1)

    def forget(self, conversion: EventRow, totals: Totals) -> None:
        """Take a conversion out again."""
        self._count(judge_by(conversion, self.standings), conversion, totals, -1)

    def _count(self, judgement: Judgement, conversion: EventRow, totals: Totals, sign: int) -> None:
        held = self._stands.holdouts.counted(conversion)
        if judgement.attributed_to or held:
            totals.count_in(self._now.counts, judgement, held, conversion, sign)

    def leave(self, totals: Totals) -> None:
        """Take all of the visitor out of the totals."""
        totals.subtract(self._now.counts)
