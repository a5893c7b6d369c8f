"""One conversion in the results stage with all that is known of its visitor: the facts that its verdict follows from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from optilocal.emulator.batch.row import EventRow, Note, event_time
from optilocal.emulator.counting.attribution import Judgement
from optilocal.emulator.counting.standing import Rules, Standing, Standings
from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.datafile.history import DatafileHistory, named
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.wording import joined, quoted

Relatives = Mapping[str, Sequence[EventRow]]


@dataclass(frozen=True)
class ResultsCase:
    """A conversion, its delivery if a forwarder reported one, and its visitor's decisions.

    `relatives`: visitor id → decisions, of ids that may be the same person. `everything` is the history of all datafiles,
    of whatever account.
    """

    report: DeliveryReport | None
    conversion: EventRow
    decisions: Sequence[EventRow]
    relatives: Relatives
    everything: DatafileHistory
    rules: Rules
    judgement: Judgement

    @cached_property
    def history(self) -> DatafileHistory:
        """The datafiles of the conversion's account; all of them when no datafile here is of that account."""
        account = self.conversion["account_id"]
        return self.everything.of_account(account) or self.everything if account else self.everything

    @property
    def at(self) -> int:
        """The time the conversion is judged by, epoch milliseconds."""
        return event_time(self.conversion)

    @property
    def name(self) -> str:
        """The event, as sentences name it."""
        return quoted(self.conversion["key"] or self.conversion["entity_id"])

    @property
    def visitor(self) -> str:
        """The visitor, as sentences name it."""
        return quoted(self.conversion["visitor_id"])

    @property
    def unidentified(self) -> bool:
        """Whether the event had no userId, so that the visitor is its anonymousId."""
        return (
            self.report is not None
            and self.report.user_id is None
            and self.report.anonymous_id == self.conversion["visitor_id"]
        )

    @property
    def running(self) -> list[Experiment]:
        """The running experiments that have the event as a metric."""
        return [standing.experiment for standing in self.judgement.running]

    @property
    def paused(self) -> list[Standing]:
        """The experiments that have the event as a metric and did not run, and in which the visitor has decisions."""
        return [
            standing
            for standing in self.judgement.candidates
            if standing not in self.judgement.running and (standing.first or standing.set_aside)
        ]

    @property
    def ignored_decision(self) -> Note | None:
        """The note on a decision that came beside the conversion and was ignored."""
        return next(
            (note for note in self.conversion["warnings"] if note["code"] == "decision_ignored"), None
        )

    @property
    def known_relatives(self) -> list[str]:
        """Other ids that may be the same person and have decisions."""
        return [visitor for visitor, decisions in self.relatives.items() if decisions]

    @cached_property
    def activated_relatives(self) -> list[str]:
        """Those of them that a running experiment has seen before the event."""
        return [visitor for visitor in self.known_relatives if self._activated(self.relatives[visitor])]

    def _activated(self, decisions: Sequence[EventRow]) -> bool:
        standings = Standings(decisions, self.everything, self.rules).within(self.conversion["account_id"])
        return any(standings.of(experiment).decided_by(self.at) for experiment in self.running)

    def named(self, rule: Experiment) -> str:
        """A rule, as sentences name it: by its key, and its flag where others have that key too."""
        return named(rule, self.history)

    def names(self, standings: Iterable[Standing], conjunction: str = "and") -> str:
        """The experiments of standings, listed."""
        return joined([self.named(standing.experiment) for standing in standings], conjunction)

    def flags(self, rules: Iterable[Experiment]) -> list[str]:
        """The flags that these experiments are rules of."""
        return list(dict.fromkeys(flag for rule in rules for flag in self.history.flags(rule.id)))

    def decided_flags(self) -> list[str]:
        """Those of the running experiments' flags that were decided on for the visitor, to whatever end."""
        decided = {row["flag_key"] for row in self.decisions}
        for row in self.decisions:
            decided.update(self.history.flags(row["experiment_id"] or ""))
        return [flag for flag in self.flags(self.running) if flag in decided]

    def holdouts(self) -> list[Experiment]:
        """The holdouts the visitor is in that cover one of the running experiments."""
        ids = dict.fromkeys(row["experiment_id"] for row in self.decisions)
        rules = [rule for rule in map(self.history.experiment, ids) if rule and rule.kind == "holdout"]
        return [rule for rule in rules if any(rule.covers(running.id) for running in self.running)]


def experiments(many: Sequence[object]) -> str:
    """ "experiment" or "experiments"."""
    return "experiment" if len(many) == 1 else "experiments"
