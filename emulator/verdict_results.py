"""Verdicts on what did reach Optimizely: what the results make of it, in plain sentences with names and
times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emulator.attribution import Judgement, listed_reasons
from emulator.datafile_history import DatafileHistory
from emulator.delivery_report import DeliveryReport
from emulator.event_row import EventRow, event_time
from emulator.nearest import difference, fold
from emulator.standing import Rules, Standing, Standings
from emulator.verdict_ending import Ending
from emulator.wording import between, listed, plural, quoted, when

Relatives = Mapping[str, Sequence[EventRow]]


@dataclass(frozen=True)
class ResultsCase:
    """One conversion in the results stage with all that is known of its visitor."""

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
            and self.report.raw.get("anonymous_id") == self.conversion["visitor_id"]
        )

    def ending(self) -> Ending:
        """Outcome, explanation, remedy and details."""
        outcome = self.judgement.outcome
        if outcome == "no_experiment":
            return self._no_experiment()
        if outcome == "experiment_not_running":
            return self._not_running()
        if outcome == "user_not_activated":
            return self._unidentified() if self.unidentified and not self.decisions else self._not_activated()
        if outcome == "activated_too_late":
            return self._too_late()
        return self._excluded() if outcome == "excluded" else self._counted()

    def _no_experiment(self) -> Ending:
        details = self.judgement.details
        if not self.history:
            return Ending(
                "no_experiment",
                f"{self.name} was recorded, but the emulator has no datafile that could say what it is a metric of.",
                "Give the emulator the environment's datafile: PUT it to /_emulator/datafiles/<sdkKey>.",
            )
        if self.judgement.event is None:
            return Ending(
                "no_experiment",
                f"{self.name} was recorded, but the datafile has no such event, so no experiment can have "
                "it as a metric.",
                "Send an event that the datafile lists, with its id as entity_id and its key as key.",
                details,
            )
        return Ending(
            "no_experiment",
            f"{self.name} was recorded, but it is a metric of no experiment, so there is no result it "
            "could count in.",
            f"Add {self.name} as a metric to the experiment that should count it, and serve the new "
            "datafile.",
            details,
        )

    def _not_running(self) -> Ending:
        keys = _keys(self.judgement.candidates)
        noun = "experiment" if len(self.judgement.candidates) == 1 else "experiments"
        ran = "which was not running" if noun == "experiment" else "none of which was running"
        return Ending(
            "experiment_not_running",
            f"{self.name} is a metric of the {noun} {keys}, {ran} at {when(self.at)}, when it happened.",
            f"Start {listed((s.experiment.key for s in self.judgement.candidates), 'or')}, or add "
            f"{self.name} as a metric "
            "to an experiment that runs; what happens while an experiment does not run is not counted in "
            "it.",
            (*self.judgement.details, *self._elsewhere()),
        )

    def _unidentified(self) -> Ending:
        known = self._known_relatives()
        if known:
            hint = f" A decision exists under {listed(known)}."
            remedy = f"Give Segment the id that the SDK decides for: identify the user as {quoted(known[0])} first."
        else:
            hint = ""
            remedy = (
                "Call identify before track, or send userId with the event, with the id that the SDK "
                "decides for; or let "
                "the SDK decide for the anonymousId."
            )
        return Ending(
            "unidentified_user",
            f"{self.name} had no userId, so it reached Optimizely under the anonymousId {self.visitor}, "
            "and no decision was "
            f"ever recorded for that visitor.{hint}",
            remedy,
            (*self.judgement.details, *self._relative_details()),
        )

    def _not_activated(self) -> Ending:
        running, known = self.judgement.running, self._known_relatives()
        keys = _keys(running)
        where = f"the running {_experiments(running)} {keys}, which {'has' if len(running) == 1 else 'have'} it as a metric"
        held_out = self._held_out()
        if held_out:
            why = f"visitor {self.visitor} is held out by {listed(held_out)}"
        elif not self.decisions:
            why = f"no decision was ever recorded for visitor {self.visitor}"
        elif any(standing.set_aside for standing in running):
            reasons = "; ".join(filter(None, (listed_reasons(standing) for standing in running)))
            why = f"visitor {self.visitor} has no decision that counts there: {reasons}"
        else:
            why = f"visitor {self.visitor} has no decision there, only elsewhere"
        if held_out:
            remedy = (
                "Use a visitor outside the holdout; whoever is in it enters no experiment that it covers."
            )
        elif known and not self.decisions:
            remedy = f"Use one id for both sides: the SDK decided for {listed(known)}, Segment sent {self.visitor}."
        else:
            remedy = (
                f"Let the SDK decide for {self.visitor} on {self._where_to_decide()} before the event is tracked, and "
                "send its decision events."
            )
        return Ending(
            "user_not_activated",
            f"{self.name} counts only for visitors of {where}, and {why}.",
            remedy,
            (*self.judgement.details, *self._elsewhere(), *self._relative_details()),
        )

    def _too_late(self) -> Ending:
        late = [s for s in self.judgement.running if s.decided_later(self.at)]
        first = min(_earliest(standing, self.at) for standing in late)
        return Ending(
            "activated_too_late",
            f"Visitor {self.visitor} entered {_keys(late)} only at {when(first)}, "
            f"{between(self.at, first)} after "
            f"{self.name} at {when(self.at)}; a decision must not be later than the event.",
            "Let the SDK decide before the event is tracked; if it did, compare the clocks that the two "
            "timestamps come from.",
            (*self.judgement.details, *self._elsewhere()),
        )

    def _excluded(self) -> Ending:
        reasons = [reason for s in self.judgement.running for reason in s.excluded_by(self.at)]
        codes = {reason.code for reason in reasons}
        if self.conversion["problems"]:
            why = "the event is malformed: " + "; ".join(
                note["message"] for note in self.conversion["problems"]
            )
            remedy = "Correct the sender, so that the event satisfies the Event API's schema."
        elif self.judgement.user_activated or codes == {"bot"}:
            what = "the event" if self.judgement.user_activated else "the visitor's decision"
            why = f"bot filtering is on, and the user agent of {what} names a bot"
            remedy = (
                "Send a browser's user agent as $opt_user_agent, or switch the project's bot filtering off."
            )
        else:
            why = f"visitor {self.visitor} is in the holdback of {_keys(self.judgement.running)}"
            remedy = "Use a visitor outside the holdback, or send the decision without is_campaign_holdback."
        return Ending(
            "excluded",
            f"{self.name} was recorded but is excluded from the results: {why}.",
            remedy,
            (*self.judgement.details, *self._elsewhere()),
        )

    def _counted(self) -> Ending:
        places = [
            f"{quoted(a['variation'])} of {quoted(a['experiment'])}" for a in self.judgement.attributed_to
        ]
        return Ending(
            "counted",
            f"{self.name} counts for visitor {self.visitor} in {' and in '.join(places)}.",
            "Nothing needs to change.",
            self.judgement.details,
        )

    def _elsewhere(self) -> list[str]:
        """What is known of the visitor besides the experiments that have this event as a metric."""
        if not self.decisions:
            return [f"No decision was ever recorded for visitor {self.visitor}."]
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
                found.append(f"The holdout {quoted(rule.key)} keeps the visitor out of {kept_from}.")
        return found

    def _key(self, rule_id: str) -> str:
        rule = self.history.experiment(rule_id)
        return rule.key if rule else rule_id

    def _held_out(self) -> list[str]:
        """The holdouts the visitor is in that keep it out of the experiments in question."""
        ids = dict.fromkeys(row["experiment_id"] for row in self.decisions)
        holdouts = [rule for rule in map(self.history.experiment, ids) if rule and rule.kind == "holdout"]
        running = [standing.experiment.id for standing in self.judgement.running]
        return [rule.key for rule in holdouts if any(rule.covers(rule_id) for rule_id in running)]

    def _where_to_decide(self) -> str:
        """The flags to decide on, or, for experiments without one, their own keys."""
        running = [standing.experiment for standing in self.judgement.running]
        flags = dict.fromkeys(flag for rule in running for flag in self.history.flags(rule.id))
        if flags:
            return f"the {'flag' if len(flags) == 1 else 'flags'} {listed(flags, 'or')}"
        return f"the {_experiments(self.judgement.running)} {listed((rule.key for rule in running), 'or')}"

    def _known_relatives(self) -> list[str]:
        return [visitor for visitor, decisions in self.relatives.items() if decisions]

    def _relative_details(self) -> list[str]:
        """Decisions recorded under other ids that may be the same person."""
        found = []
        own = self.conversion["visitor_id"] or ""
        for other in self._known_relatives():
            count = plural(len(self.relatives[other]), "decision")
            if self.report and other == self.report.raw.get("anonymous_id"):
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


def _earliest(standing: Standing, after: int) -> int:
    rows = [row for row, _ in standing.set_aside] + ([standing.first] if standing.first is not None else [])
    return min(event_time(row) for row in rows if event_time(row) > after)


def _keys(standings: Sequence[Standing]) -> str:
    return listed(standing.experiment.key for standing in standings)


def _experiments(standings: Sequence[Standing]) -> str:
    return "experiment" if len(standings) == 1 else "experiments"
