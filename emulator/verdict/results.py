"""Verdicts on what did reach Optimizely: what the results make of it, in plain sentences with names and times."""

from optilocal.emulator.batch.row import EventRow, Note, event_time
from optilocal.emulator.batch.timestamp import unit_meant
from optilocal.emulator.counting.standing import Standing, nested_tags_refused
from optilocal.emulator.datafile.datafile import is_running
from optilocal.emulator.datafile.nearest import difference, fold
from optilocal.emulator.datafile.sdk_demands import written_instead
from optilocal.emulator.verdict.advice import ADVICE, NOTHING
from optilocal.emulator.verdict.case import ResultsCase, experiments
from optilocal.emulator.verdict.decided import elsewhere
from optilocal.emulator.verdict.ending import Ending
from optilocal.emulator.verdict.not_activated import not_activated, unidentified
from optilocal.emulator.wording import between, joined, listed, quoted, when


def results_outcome(case: ResultsCase) -> str:
    """The outcome alone, without its sentences."""
    outcome = case.judgement.outcome
    if outcome == "user_not_activated" and case.unidentified and not case.decisions:
        return "unidentified_user"
    return outcome


def results_ending(case: ResultsCase) -> Ending:
    """Outcome, explanation, remedy and details of a conversion that was recorded."""
    outcome = results_outcome(case)
    if outcome == "wrong_account":
        return _wrong_account(case)
    if outcome == "no_experiment":
        return _no_experiment(case)
    if outcome == "experiment_not_running":
        return _not_running(case)
    if outcome == "unidentified_user":
        return unidentified(case)
    if outcome == "user_not_activated":
        return not_activated(case)
    if outcome == "activated_too_late":
        return _too_late(case)
    return _excluded(case) if outcome == "excluded" else _counted(case)


def _wrong_account(case: ResultsCase) -> Ending:
    """The event names an account of its own: it is filed there, and no experiment here is in that account."""
    sent, known = case.conversion["account_id"] or "", case.everything.account_ids
    near = next((account for account in known if fold(account) == fold(sent)), None)
    apart = f", which differs {difference(near, sent)}" if near else ""
    belong = "the datafile here belongs to" if len(known) == 1 else "the datafiles here belong to"
    return Ending(
        "wrong_account",
        f"{case.name} was sent for account {quoted(sent)}{apart}, but {belong} {listed(known)}; an event counts only in "
        "the account that it names.",
        f"Send it with account_id {listed(known, 'or')}, the accountId of the datafile. {_account_source(case)} If account "
        f"{quoted(sent)} is meant, serve a datafile of that account here.",
        tuple(elsewhere(case)),
    )


def _account_source(case: ResultsCase) -> str:
    """Where the sender has its account id from."""
    client = case.conversion["client_name"] or ""
    if case.report is not None or client == "Segment":
        return (
            "Segment's destination takes it from the datafile that its Datafile URL serves, not from its setting Account "
            "ID: point that URL at this account's datafile."
        )
    if client == "RudderStack":
        return "RudderStack takes it from its destination's setting Account ID."
    if client.endswith("-sdk") or "agent" in client.lower():
        return "An SDK takes it from the datafile that it was given: give it the one that is served here."
    return "Whoever builds the event batch writes it there: look where it comes from."


def _no_experiment(case: ResultsCase) -> Ending:
    details = case.judgement.details
    if not case.history:
        return Ending(
            "no_experiment",
            f"{case.name} was recorded, but the emulator has no datafile that could say what it is a metric of.",
            "Give the emulator the environment's datafile: PUT it to /_emulator/datafiles/<sdkKey>.",
        )
    if case.judgement.event is None:
        return Ending(
            "no_experiment",
            f"{case.name} was recorded, but the datafile has no such event, so no experiment can have "
            "it as a metric.",
            "Send an event that the datafile lists, with its id as entity_id and its key as key.",
            details,
        )
    return Ending(
        "no_experiment",
        f"{case.name} was recorded, but it is a metric of no experiment, so there is no result it could count in.",
        f"Add {case.name} as a metric to the experiment that should count it, and serve the new datafile.",
        details,
    )


def _not_running(case: ResultsCase) -> Ending:
    candidates, left_out = case.judgement.candidates, case.judgement.left_out
    if not candidates:
        noun = experiments(left_out)
        which = f"{noun} {listed(left_out)}, which the datafile leaves out"
        return Ending(
            "experiment_not_running",
            f"{case.name} is a metric of the {which}; nothing of it was running at {when(case.at)}, when the event "
            "happened.",
            f"Start the {noun} {listed(left_out, 'or')} in this environment and serve the new datafile, or serve the "
            "datafile of the environment that has it: a datafile leaves out what is paused, concluded, archived or of "
            "another environment.",
            (*case.judgement.details, *elsewhere(case)),
        )
    ran = "which was not running" if len(candidates) == 1 else "none of which was running"
    newest = case.history.newest
    by_now = [newest.experiment_by_id(standing.experiment.id) for standing in candidates] if newest else []
    started = [rule for rule in by_now if rule is not None and is_running(rule)]
    misspelt = [rule for rule in by_now if rule is not None and written_instead(rule.status)]
    if started:
        remedy = (
            f"By now {joined([case.named(rule) for rule in started])} {'runs' if len(started) == 1 else 'run'}: what "
            "happens from then on can be counted, what happened before is not."
        )
    elif misspelt:
        remedy = (
            f"Write the status of {joined([case.named(rule) for rule in misspelt])} as Optimizely does: "
            f"{written_instead(misspelt[0].status)} instead of {quoted(misspelt[0].status)}; the SDKs take only "
            '"Running" as running.'
        )
    else:
        remedy = (
            f"Start {case.names(candidates, 'or')}, or add {case.name} as a metric to an experiment that runs; what "
            "happens while an experiment is not Running is not counted in it."
        )
    return Ending(
        "experiment_not_running",
        f"{case.name} is a metric of the {experiments(candidates)} {case.names(candidates)}, {ran} at "
        f"{when(case.at)}, when it happened.",
        remedy,
        (*case.judgement.details, *elsewhere(case)),
    )


def _too_late(case: ResultsCase) -> Ending:
    late = [s for s in case.judgement.running if s.decided_later(case.at)]
    first = min(_earliest(standing, case.at) for standing in late)
    return Ending(
        "activated_too_late",
        f"Visitor {case.visitor} entered {case.names(late)} only at {when(first)}, {between(case.at, first)} after "
        f"{case.name} at {when(case.at)}; a decision must not be later than the event.",
        "Let the SDK decide before the event is tracked; if it did, compare the clocks that the two timestamps come from.",
        (*case.judgement.details, *elsewhere(case)),
    )


def _excluded(case: ResultsCase) -> Ending:
    excluded = [(s, reason.code) for s in case.judgement.running for reason in s.excluded_by(case.at)]
    held_back = dict.fromkeys(case.named(s.experiment) for s, code in excluded if code == "holdback")
    if case.conversion["problems"]:
        why = ["; ".join(_in_own_words(problem) for problem in case.conversion["problems"])]
        remedies = _problem_remedies(case.conversion)
    elif case.judgement.user_activated and nested_tags_refused(case.conversion, case.rules):
        why, remedies = ["it has arrays or objects among its tags"], [ADVICE["nested_tag"].remedy]
    elif case.judgement.user_activated:
        why, remedies = [_bot("the event")], [_BOT_REMEDY]
    else:
        why, remedies = [], []
        if held_back:
            why.append(f"visitor {case.visitor} is in the holdback of {joined(list(held_back))}")
            remedies.append(
                "Use a visitor outside the holdback, or send the decision without is_campaign_holdback."
            )
        if any(code == "bot" for _, code in excluded):
            why.append(_bot("the visitor's decision"))
            remedies.append(_BOT_REMEDY)
    return Ending(
        "excluded",
        f"{case.name} was recorded but is excluded from the results: {joined(why)}.",
        " ".join(remedies),
        (*case.judgement.details, *elsewhere(case)),
    )


def _in_own_words(problem: Note) -> str:
    """What is wrong with an event, without the place in its batch: `its timestamp 1768471205 is …`."""
    path = problem.get("path", "")
    return problem["message"].replace(path, f"its {path.rpartition('.')[2]}") if path else problem["message"]


def _problem_remedies(conversion: EventRow) -> list[str]:
    """What to change in an event that is not counted for what it carries."""
    timely = [problem for problem in conversion["problems"] if problem.get("path", "").endswith(".timestamp")]
    remedies = []
    if timely:
        sent = conversion["timestamp"]
        meant = None if sent is None else unit_meant(sent, conversion["received_at"])
        example = f": {meant.ms} instead of {sent}" if meant else ""
        remedies.append(f"Send the timestamp as a whole number of milliseconds since 1970, UTC{example}.")
    if len(timely) < len(conversion["problems"]):
        remedies.append("Correct the sender, so that the event satisfies the Event API's schema.")
    return remedies


_BOT_REMEDY = "Send a browser's user agent as $opt_user_agent, or switch the project's bot filtering off."


def _bot(what: str) -> str:
    return f"bot filtering is on, and the user agent of {what} names a bot"


def _counted(case: ResultsCase) -> Ending:
    counting = [s for s in case.judgement.running if s.decided_by(case.at)]
    places = [
        f"{quoted(s.variation.key)} of {case.named(s.experiment)}"
        for s in counting
        if s.variation is not None
    ]
    return Ending(
        "counted",
        f"{case.name} counts for visitor {case.visitor} in {joined(places)}.",
        NOTHING,
        case.judgement.details,
    )


def _earliest(standing: Standing, after: int) -> int:
    rows = [row for row, _ in standing.set_aside] + ([standing.first] if standing.first is not None else [])
    return min(event_time(row) for row in rows if event_time(row) > after)
