"""Verdicts on events of visitors without a decision that would count: nobody decided, not here, or not so."""

from collections.abc import Sequence

from optilocal.emulator.counting.attribution import listed_reasons
from optilocal.emulator.datafile.datafile import Experiment
from optilocal.emulator.verdict.case import ResultsCase, experiments, keys
from optilocal.emulator.verdict.ending import Ending
from optilocal.emulator.verdict.wording import listed, quoted

# What to do about decisions that were made but do not count, by why they do not.
_REMEDIES = {
    "malformed": "Correct what sends the decision, so that it satisfies the Event API's schema.",
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
            *case.related(),
            "Segment's page on this destination says that only identified users are sent; its published code "
            "falls back to the anonymousId.",
        ),
    )


def not_activated(case: ResultsCase) -> Ending:
    """The visitor has no decision that counts in a running experiment with this metric."""
    why, remedy = _why(case)
    running = case.judgement.running
    where = f"the running {experiments(running)} {keys(running)}, which {'has' if len(running) == 1 else 'have'} it"
    return Ending(
        "user_not_activated",
        f"{case.name} counts only for visitors of {where} as a metric, but {why}.",
        remedy,
        (*case.judgement.details, *case.elsewhere(), *case.related()),
    )


def _why(case: ResultsCase) -> tuple[str, str]:
    """Why the visitor is in none of the experiments, and what to do about it."""
    visitor, running = case.visitor, case.judgement.running
    holdouts, known = case.holdouts(), case.known_relatives
    set_aside = [reason for standing in running for _, reason in standing.set_aside]
    if not case.conversion["visitor_id"]:
        return "the event names no visitor", "Send the event with the visitor_id that the SDK decides for."
    if holdouts and all(any(holdout.covers(rule.id) for holdout in holdouts) for rule in case.running):
        return f"visitor {visitor} is held out by {listed(h.key for h in holdouts)}", _REMEDIES["holdout"]
    if not case.decisions:
        if known:
            remedy = (
                f"Use one id for both sides: the SDK decided for {listed(known)}, Segment sent {visitor}."
            )
        else:
            remedy = _decide(case, case.running) + _unrecorded(case)
        return f"no decision was ever recorded for visitor {visitor}", remedy
    if set_aside:
        reasons = "; ".join(filter(None, (listed_reasons(standing) for standing in running)))
        remedies = dict.fromkeys(_REMEDIES[reason.code] for reason in set_aside if reason.code in _REMEDIES)
        return (
            f"visitor {visitor} has no decision that counts there: {reasons}",
            " ".join(remedies) or _decide(case, case.running),
        )
    decided = case.decided_flags()
    if decided:
        undecided = [rule for rule in case.running if not set(decided) & set(case.history.flags(rule.id))]
        return (
            f"the SDK's decisions on {listed(decided)} put visitor {visitor} into none of them"
            if len(running) > 1
            else f"the SDK's decision on {listed(decided)} did not put visitor {visitor} into it",
            _decide(case, undecided)
            if undecided
            else f"Use a visitor whom the flag's rules lead into {keys(running, 'or')}: one in its audience "
            "and its traffic whom no holdout and no earlier rule takes.",
        )
    if case.names_unknown_experiments():
        return (
            f"the decisions recorded for visitor {visitor} name other experiments",
            "Serve the datafile that the SDK decides with here too: the decisions name experiments that no "
            "datafile here lists.",
        )
    return f"visitor {visitor} has no decision there, only elsewhere", _decide(case, case.running)


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
    """The other way to have no decision: the SDK decided, for none of the experiments, and told nobody."""
    datafile = case.history.at(case.at)
    all_told = datafile is not None and datafile.raw.get("sendFlagDecisions") is True
    if all_told and all(case.history.flags(rule.id) for rule in case.running):
        return ""
    return (
        f" If it did decide, {case.visitor} is outside the audience or the traffic, which the SDK does not "
        "report."
    )
