"""Verdicts on events of visitors without a decision that would count: nobody decided, not here, or not so."""

from collections.abc import Sequence

from optilocal.emulator.counting.attribution import listed_reasons
from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.datafile.history import stood
from optilocal.emulator.verdict.case import ResultsCase, experiments
from optilocal.emulator.verdict.decided import (
    elsewhere,
    entered,
    in_words,
    other_accounts,
    other_standings,
    related,
)
from optilocal.emulator.verdict.ending import Ending
from optilocal.emulator.wording import joined, listed, quoted, when

# What to do about decisions that were made but do not count, by why they do not.
_REMEDIES = {
    "malformed": "Correct what sends the decision, so that it satisfies the Event API's schema.",
    "wrong_account": "Send the decision for the account of the datafile that is served here: an SDK takes account_id from "
    "the datafile that it was given.",
    "wrong_campaign": "Send the decision with the experiment's layerId of the datafile as campaign_id, and as entity_id "
    "of its campaign_activated event.",
    "not_running": "Let the SDK decide again while the experiment runs, before the event is tracked.",
    "holdout": "Use a visitor outside the holdout; whoever is in it enters no experiment that it covers.",
    "unknown_variation": "Let the SDK decide with the datafile that is served here: the two do not list the "
    "same variations.",
}


def unidentified(case: ResultsCase) -> Ending:
    """The event had no userId, and nothing was ever decided for its anonymousId."""
    known = case.known_relatives
    if known:
        hint = f" A decision exists under {listed(known)}."
        remedy = (
            f"Give Segment the id that the SDK decides for: identify the user as {quoted(known[0])} first."
        )
    else:
        hint = ""
        remedy = (
            "Call identify before track, or send userId with the event, with the id that the SDK decides for; "
            "or let the SDK decide for the anonymousId."
        )
    return Ending(
        "unidentified_user",
        f"{case.name} had no userId, so it reached Optimizely under the anonymousId {case.visitor}, and no "
        f"decision was ever recorded for that visitor.{hint}",
        remedy,
        (
            *case.judgement.details,
            *related(case),
            "Segment's page on this destination says that only identified users are sent; its published code "
            "falls back to the anonymousId.",
        ),
    )


def not_activated(case: ResultsCase) -> Ending:
    """The visitor has no decision that counts in a running experiment with this metric."""
    why, remedy = _why(case)
    running = case.judgement.running
    have = "has" if len(running) == 1 else "have"
    return Ending(
        "user_not_activated",
        f"{case.name} counts only for visitors of the running {experiments(running)} {case.names(running)}, which {have} "
        f"it as a metric, but {why}.",
        remedy,
        (*case.judgement.details, *elsewhere(case), *related(case)),
    )


def _why(case: ResultsCase) -> tuple[str, str]:
    """Why the visitor is in none of the experiments, and what to do about it: the first reason that applies."""
    if not case.conversion["visitor_id"]:
        return "the event names no visitor", "Send the event with the visitor_id that the SDK decides for."
    reasons = (
        _held_out,
        _ignored,
        _other_spelling,
        _never,
        _set_aside,
        _in_paused,
        _in_left_out,
        _namesake,
        _decided,
    )
    for reason in reasons:
        reason_and_remedy = reason(case)
        if reason_and_remedy is not None:
            return reason_and_remedy
    return _only_elsewhere(case)


def _held_out(case: ResultsCase) -> tuple[str, str] | None:
    holdouts = case.holdouts()
    if not holdouts or not all(any(holdout.covers(rule.id) for holdout in holdouts) for rule in case.running):
        return None
    return f"visitor {case.visitor} is held out by {listed(h.key for h in holdouts)}", _REMEDIES["holdout"]


def _ignored(case: ResultsCase) -> tuple[str, str] | None:
    """A decision that travelled with the conversion itself."""
    note = case.ignored_decision
    if note is None:
        return None
    remedy = (
        "Send the decision before the event, with a campaign_activated event of its own whose entity_id is the "
        "decision's campaign_id; or send the batch without enrich_decisions."
    )
    return note["message"], remedy


def _other_spelling(case: ResultsCase) -> tuple[str, str] | None:
    """A decision that would count exists, under another id of the same person."""
    known = case.activated_relatives
    if not known:
        return None
    remedy = f"Use one id for both sides: the SDK decided for {listed(known)}, the event was sent for {case.visitor}."
    if not case.decisions:
        return f"no decision was ever recorded for visitor {case.visitor}, only for {listed(known)}", remedy
    return (
        f"the decision that would count was recorded for {listed(known)}, not for visitor {case.visitor}",
        remedy,
    )


def _never(case: ResultsCase) -> tuple[str, str] | None:
    if case.decisions:
        return None
    why, known = f"no decision was ever recorded for visitor {case.visitor}", case.known_relatives
    if known:
        return (
            why,
            f"Use one id for both sides: the SDK decided for {listed(known)}, the event was sent for {case.visitor}.",
        )
    return why, _decide(case, case.running) + _unrecorded(case)


def _set_aside(case: ResultsCase) -> tuple[str, str] | None:
    """The visitor has decisions in the experiments, and none of them counts."""
    set_aside = [reason for standing in case.judgement.running for _, reason in standing.set_aside]
    if not set_aside:
        return None
    reasons = "; ".join(filter(None, map(listed_reasons, case.judgement.running)))
    remedies = dict.fromkeys(_REMEDIES[reason.code] for reason in set_aside if reason.code in _REMEDIES)
    return (
        f"visitor {case.visitor} has no decision that counts there: {reasons}",
        " ".join(remedies) or _decide(case, case.running),
    )


def _in_paused(case: ResultsCase) -> tuple[str, str] | None:
    """The visitor was decided for in an experiment with this metric that did not run when the event happened."""
    paused = case.paused
    if not paused:
        return None
    entries = [
        f"{entered(standing, case)}, which "
        f"{stood(standing.experiment, case.at, case.history).rstrip(',')} when the event happened, at {when(case.at)}"
        for standing in paused
    ]
    start = f"Start {case.names(paused, 'or')} again"
    decide = _decide(case, case.running)
    return f"visitor {case.visitor} {joined(entries)}", f"{start}. Or let{decide.removeprefix('Let')}"


def _in_left_out(case: ResultsCase) -> tuple[str, str] | None:
    """The visitor was decided for in an experiment that the event names and the datafile leaves out."""
    ids = dict.fromkeys(
        row["experiment_id"] for row in case.decisions if row["experiment_id"] in case.judgement.left_out
    )
    if not ids:
        return None
    noun = experiments(list(ids))
    return (
        f"the decisions of visitor {case.visitor} name the {noun} {listed(ids)}, which the event also names and the "
        "datafile leaves out",
        f"Start the {noun} {listed(ids, 'or')} in this environment and serve the new datafile: a datafile leaves out what "
        "is paused, concluded, archived or of another environment.",
    )


def _namesake(case: ResultsCase) -> tuple[str, str] | None:
    """The visitor was decided for by a rule of the same key, which belongs to another flag."""
    keys = {rule.key: rule for rule in case.running}
    for row in case.decisions:
        rule = case.everything.experiment(row["experiment_id"])
        key = rule.key if rule else row["rule_key"]
        if key not in keys or (rule and rule.kind != "experiment"):
            continue
        flags = case.everything.flags(rule.id) if rule else ()
        flag = next(iter(flags), row["flag_key"])
        if flag is None or flag in case.history.flags(keys[key].id):
            continue
        return (
            f"visitor {case.visitor} was decided for by the rule {quoted(key)} of the flag {quoted(flag)}, which is "
            f"another experiment than {case.named(keys[key])}",
            f"{_decide(case, case.running)} Or add {case.name} as a metric to the rule {quoted(key)} of the flag "
            f"{quoted(flag)}.",
        )
    return None


def _decided(case: ResultsCase) -> tuple[str, str] | None:
    """The experiments' flags were decided on, and led the visitor elsewhere."""
    decided, running = case.decided_flags(), case.judgement.running
    if not decided:
        return None
    undecided = [rule for rule in case.running if not set(decided) & set(case.history.flags(rule.id))]
    why = (
        f"the SDK's decisions on {listed(decided)} put visitor {case.visitor} into none of them"
        if len(running) > 1
        else f"the SDK's decision on {listed(decided)} did not put visitor {case.visitor} into it"
    )
    if undecided:
        return why, _decide(case, undecided)
    return (
        why,
        f"Use a visitor whom the flag's rules lead into {case.names(running, 'or')}: one in its audience and its traffic "
        "whom no holdout and no earlier rule takes.",
    )


def _only_elsewhere(case: ResultsCase) -> tuple[str, str]:
    """The visitor's decisions have nothing to do with these experiments."""
    unknown = [
        row
        for row in case.decisions
        if row["experiment_id"] and not case.everything.experiment(row["experiment_id"])
    ]
    if unknown:
        ids = listed(dict.fromkeys(row["experiment_id"] for row in unknown))
        accounts = other_accounts(unknown, case)
        sent_for = f" and were sent for account {listed(accounts)}" if accounts else ""
        return (
            f"the decisions recorded for visitor {case.visitor} name {ids}{sent_for}, which no datafile here lists",
            "Serve the datafile that the SDK decides with here too, or let the SDK decide with the one served here.",
        )
    others = other_standings(case)
    if others:
        return f"visitor {case.visitor} {in_words(others, case)}", _decide(case, case.running)
    return f"visitor {case.visitor} has no decision there, only elsewhere", _decide(case, case.running)


def _decide(case: ResultsCase, rules: Sequence[Experiment]) -> str:
    """The advice to let the SDK decide: on these experiments' flags, or, without a flag, by activation."""
    visitor, flags = case.visitor, case.flags(rules)
    bare = [rule.key for rule in rules if not case.history.flags(rule.id)]
    ways = []
    if flags:
        ways.append(
            f"decide for {visitor} on the {'flag' if len(flags) == 1 else 'flags'} {listed(flags, 'or')}"
        )
    if bare:
        ways.append(f"activate {visitor} in the {experiments(bare)} {listed(bare, 'or')}")
    return f"Let the SDK {' or '.join(ways)} before the event is tracked, and send its decision events."


def _unrecorded(case: ResultsCase) -> str:
    """A sentence for the other cause: the SDK decided for no experiment and therefore sent no decision event."""
    datafile = case.history.at(case.at)
    all_told = datafile is not None and datafile.raw.get("sendFlagDecisions") is True
    if all_told and all(case.history.flags(rule.id) for rule in case.running):
        return ""
    return (
        f" If it did decide, {case.visitor} is outside the audience or the traffic, which the SDK does not "
        "report."
    )
