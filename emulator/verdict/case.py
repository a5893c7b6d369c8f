"""One conversion in the results stage with all that is known of its visitor: the facts its verdict is told from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.attribution import Judgement, listed_reasons
from optilocal.emulator.counting.standing import Rules, Standing, Standings
from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import difference, fold
from optilocal.emulator.verdict.delivery_report import DeliveryReport
from optilocal.emulator.verdict.wording import listed, plural, quoted

Relatives = Mapping[str, Sequence[EventRow]]


@dataclass(frozen=True)
class ResultsCase:
    """A conversion, its delivery if a forwarder reported one, and its visitor's decisions.

    `relatives`: visitor id → decisions, of ids that may be the same person.
    """

    report: DeliveryReport | None
    conversion: EventRow
    decisions: Sequence[EventRow]
    relatives: Relatives
    history: DatafileHistory
    rules: Rules
    judgement: Judgement

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
    def known_relatives(self) -> list[str]:
        """Other ids that may be the same person and have decisions."""
        return [visitor for visitor, decisions in self.relatives.items() if decisions]

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
        found = [rule for rule in map(self.history.experiment, ids) if rule and rule.kind == "holdout"]
        return [rule for rule in found if any(rule.covers(running.id) for running in self.running)]

    def names_unknown_experiments(self) -> bool:
        """Whether some decision names an experiment that no datafile lists."""
        ids = {row["experiment_id"] for row in self.decisions} - {None, ""}
        return any(self.history.experiment(id_) is None for id_ in ids)

    def elsewhere(self) -> list[str]:
        """What is known of the visitor besides the experiments that have this event as a metric."""
        if not self.decisions:
            visitor = self.conversion["visitor_id"]
            return [f"No decision was ever recorded for visitor {self.visitor}."] if visitor else []
        found = []
        own = {standing.experiment.id for standing in self.judgement.candidates}
        for standing in Standings(self.decisions, self.history, self.rules).all():
            if standing.experiment.id not in own:
                found.append(_other_experiment(standing, self.name))
        unnamed = [row for row in self.decisions if not row["experiment_id"]]
        flags = listed(dict.fromkeys(row["flag_key"] for row in unnamed if row["flag_key"]))
        if flags:
            found.append(f"On {flags} the visitor got no experiment: no rule applied, or a rollout.")
        elif unnamed:
            found.append(f"{plural(len(unnamed), 'decision')} of the visitor named no experiment.")
        for rule_id in dict.fromkeys(row["experiment_id"] for row in self.decisions if row["experiment_id"]):
            rule = self.history.experiment(rule_id)
            if rule is None:
                found.append(f"A decision names the experiment {quoted(rule_id)}, which no datafile lists.")
            elif rule.kind == "delivery":
                found.append(f"The visitor got the delivery {quoted(rule.key)}; deliveries have no results.")
            elif rule.kind == "holdout":
                local = rule.included_rules
                kept_from = "all experiments" if local is None else listed(self._key(id_) for id_ in local)
                found.append(
                    f"The holdout {quoted(rule.key)} keeps the visitor out of {kept_from}; it has results of its own."
                )
        return found

    def _key(self, rule_id: str) -> str:
        rule = self.history.experiment(rule_id)
        return rule.key if rule else rule_id

    def related(self) -> list[str]:
        """Decisions recorded under other ids that may be the same person."""
        found = []
        own = self.conversion["visitor_id"] or ""
        for other in self.known_relatives:
            count = plural(len(self.relatives[other]), "decision")
            if self.report and other == self.report.anonymous_id:
                told = "the anonymousId of this event: the identity changed between decide and track"
            elif self.report and other == self.report.user_id:
                told = "the userId of this event, which was not sent as the visitor"
            elif fold(other) == fold(own):
                told = f"which differs from {quoted(own)} {difference(own, other)}"
            else:
                told = "another id of this event"
            found.append(f"{count} recorded under {quoted(other)}, {told}.")
        return found


def _other_experiment(standing: Standing, name: str) -> str:
    key = quoted(standing.experiment.key)
    if standing.variation is not None:
        return f"The visitor is in {quoted(standing.variation.key)} of {key}, of which {name} is no metric."
    reasons = listed_reasons(standing)
    return f"The visitor's decisions in {key}, of which {name} is no metric, do not count: {reasons}."


def keys(standings: Iterable[Standing], conjunction: str = "and") -> str:
    """The keys of experiments, listed."""
    return listed((standing.experiment.key for standing in standings), conjunction)


def experiments(many: Sequence[object]) -> str:
    """ "experiment" or "experiments"."""
    return "experiment" if len(many) == 1 else "experiments"
