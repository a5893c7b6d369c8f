"""What was decided for a visitor besides the experiments that a conversion could count in, in sentences."""

from collections.abc import Iterable

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.attribution import listed_reasons
from optilocal.emulator.counting.standing import Standing, Standings
from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.datafile.history import named
from optilocal.emulator.datafile.nearest import difference, fold
from optilocal.emulator.verdict.case import ResultsCase
from optilocal.emulator.wording import between, joined, listed, plural, quoted, when


def elsewhere(case: ResultsCase) -> list[str]:
    """What is known of the visitor besides the experiments that have this event as a metric."""
    if not case.decisions:
        visitor = case.conversion["visitor_id"]
        return [f"No decision was ever recorded for visitor {case.visitor}."] if visitor else []
    sentences = [f"The visitor {_other_experiment(standing, case)}." for standing in other_standings(case)]
    unnamed = [row for row in case.decisions if not row["experiment_id"]]
    flags = listed(dict.fromkeys(row["flag_key"] for row in unnamed if row["flag_key"]))
    if flags:
        sentences.append(f"On {flags} the visitor got no experiment: no rule applied, or a rollout.")
    elif unnamed:
        sentences.append(f"{plural(len(unnamed), 'decision')} of the visitor named no experiment.")
    for rule_id in dict.fromkeys(row["experiment_id"] for row in case.decisions if row["experiment_id"]):
        rule = case.everything.experiment(rule_id)
        if rule is None:
            sentences.append(_unknown_experiment(rule_id, case))
        elif rule.kind == "delivery":
            sentences.append(f"The visitor got the delivery {quoted(rule.key)}; deliveries have no results.")
        elif rule.kind == "holdout":
            local = rule.included_rules
            kept_from = "all experiments" if local is None else _keys(local, case)
            sentences.append(
                f"The holdout {quoted(rule.key)} keeps the visitor out of {kept_from}; it has results of its own."
            )
    return sentences


def other_standings(case: ResultsCase) -> list[Standing]:
    """The visitor's standings in experiments that do not have this event as a metric."""
    own = {standing.experiment.id for standing in case.judgement.candidates}
    every = Standings(case.decisions, case.everything, case.rules).all()
    return [standing for standing in every if standing.experiment.id not in own]


def in_words(standings: Iterable[Standing], case: ResultsCase) -> str:
    """Where the visitor is, to follow its name: `is in "b" of "banner_test", which does not have "Buy" as a metric`."""
    return joined([_other_experiment(standing, case) for standing in standings])


def _other_experiment(standing: Standing, case: ResultsCase) -> str:
    name = named(standing.experiment, case.everything)
    account = case.conversion["account_id"]
    within = case.everything.of_account(account) if account else case.everything
    why = f"which does not have {case.name} as a metric"
    if within.experiment(standing.experiment.id) is None:
        why = "which belongs to another account"
    if standing.variation is None or standing.first is None:
        return f"has decisions in {name}, {why}; they do not count: {listed_reasons(standing)}"
    late = event_time(standing.first) - case.at
    entered = f" (entered {between(case.at, case.at + late)} after the event)" if late > 0 else ""
    return f"is in {quoted(standing.variation.key)} of {name}{entered}, {why}"


def _unknown_experiment(rule_id: str, case: ResultsCase) -> str:
    rows = [row for row in case.decisions if row["experiment_id"] == rule_id]
    flag = next((row["flag_key"] for row in rows if row["flag_key"]), None)
    on_flag = f" (flag {quoted(flag)}, rule {quoted(rows[0]['rule_key'])})" if flag else ""
    accounts = listed(other_accounts(rows, case))
    sent_for = f", and was sent for account {accounts}" if accounts else ""
    return f"A decision names the experiment {quoted(rule_id)}{on_flag}, which no datafile lists{sent_for}."


def other_accounts(rows: Iterable[EventRow], case: ResultsCase) -> list[str]:
    """The accounts that these rows were sent for and the conversion was not."""
    accounts = dict.fromkeys(row["account_id"] for row in rows)
    return [account for account in accounts if account and account != case.conversion["account_id"]]


def _keys(rule_ids: Iterable[str], case: ResultsCase) -> str:
    rules: list[tuple[str, Experiment | None]] = [(id_, case.everything.experiment(id_)) for id_ in rule_ids]
    return listed(rule.key if rule else id_ for id_, rule in rules)


def related(case: ResultsCase) -> list[str]:
    """Decisions recorded under other ids that may be the same person."""
    sentences = []
    own = case.conversion["visitor_id"] or ""
    for other in case.known_relatives:
        count = plural(len(case.relatives[other]), "decision")
        if case.report and other == case.report.anonymous_id:
            who = "the anonymousId of this event: the identity changed between decide and track"
        elif case.report and other == case.report.user_id:
            who = "the userId of this event, which was not sent as the visitor"
        elif fold(other) == fold(own):
            who = f"which differs from {quoted(own)} {difference(own, other)}"
        else:
            who = "another id of this event"
        sentences.append(f"{count} recorded under {quoted(other)}, {who}.")
    return sentences


def entered(standing: Standing, case: ResultsCase) -> str:
    """Where the visitor went in an experiment, to follow its name: `entered "b" of "checkout" at …`."""
    name = case.named(standing.experiment)
    if standing.first is not None and standing.variation is not None:
        return f"entered {quoted(standing.variation.key)} of {name} at {when(event_time(standing.first))}"
    return f"has only decisions that do not count ({listed_reasons(standing)}) in {name}"
