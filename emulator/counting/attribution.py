"""Which decision a conversion belongs to: every rule is local to one visitor, over plain rows, after
de-duplication.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.standing import Rules, Standing, Standings, bot_filtered, nested_tags_refused
from optilocal.emulator.datafile.datafile import Event, Experiment
from optilocal.emulator.datafile.history import DatafileHistory, named, stood
from optilocal.emulator.wording import between, joined, listed, quoted, when

JudgedOutcome = Literal[
    "wrong_account",
    "no_experiment",
    "experiment_not_running",
    "user_not_activated",
    "activated_too_late",
    "excluded",
    "counted",
]


class Attribution(TypedDict):
    """Where a conversion counts."""

    experiment: str
    variation: str
    experiment_id: str
    variation_id: str


class Judgement(NamedTuple):
    """What becomes of one conversion in the results, and why.

    `candidates` are the experiments that have the event as a metric, `running` those of them that count at
    its time, `left_out` the ids of further ones that the event names and no datafile lists. `user_activated` is None
    only when there is no experiment to be activated in: for wrong_account and no_experiment. `details` are sentences,
    one an experiment looked at.
    """

    outcome: JudgedOutcome
    event: Event | None
    candidates: tuple[Standing, ...] = ()
    running: tuple[Standing, ...] = ()
    attributed_to: tuple[Attribution, ...] = ()
    user_activated: bool | None = None
    details: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def judge(
    conversion: EventRow, decisions: Sequence[EventRow], history: DatafileHistory, rules: Rules
) -> Judgement:
    """Judge one conversion by the decisions of its visitor (any order, replays already collapsed), with the sentences.

    For many conversions of one visitor make one `Standings` and call `judge_by`.
    """
    standings = Standings(decisions, history, rules)
    judgement = judge_by(conversion, standings)
    if judgement.outcome == "wrong_account":
        return judgement
    own = standings.within(conversion["account_id"])
    return judgement._replace(details=tuple(_details(conversion, judgement, own)))


def judge_by(conversion: EventRow, standings: Standings) -> Judgement:
    """Judge one conversion by its visitor's standings; without the sentences, which take longer.

    An event counts once in each running experiment that has it as a metric and in which its visitor has a
    decision that is not later (docs/optimizely.md, "Counting"). What excludes only this event,
    a filtered bot or a malformed row, is looked at last.
    """
    account, now = conversion["account_id"], event_time(conversion)
    if account is not None and standings.history and account not in standings.history.account_ids:
        return Judgement("wrong_account", None)
    standings = standings.within(account)
    history = standings.history
    event = history.find_event(conversion["entity_id"], conversion["key"], now)
    candidates = tuple(standings.of(experiment) for experiment in _candidates(event, now, standings))
    left_out = history.unlisted(event) if event else ()
    if event is None or not (candidates or left_out):
        return Judgement("no_experiment", event)
    in_time: list[Standing] = []
    running: list[Standing] = []
    counting: list[Standing] = []
    for standing in candidates:
        decided = standing.decided_by(now)
        runs = history.running_at(standing.experiment.id, now)
        if decided:
            in_time.append(standing)
        if runs or (decided and standings.rules.count_after_pause):
            running.append(standing)
            if decided:
                counting.append(standing)
    outcome: JudgedOutcome
    if not running:
        outcome = "experiment_not_running"
    elif counting:
        outcome = "excluded" if _own_exclusions(conversion, standings) else "counted"
    elif any(standing.excluded_by(now) for standing in running):
        outcome = "excluded"
    elif any(standing.decided_later(now) for standing in running):
        outcome = "activated_too_late"
    else:
        outcome = "user_not_activated"
    return Judgement(
        outcome=outcome,
        event=event,
        candidates=candidates,
        running=tuple(running),
        attributed_to=tuple(_attribution(standing) for standing in counting) if outcome == "counted" else (),
        user_activated=bool(counting) if running else bool(in_time) or _decided_in(left_out, now, standings),
        left_out=left_out,
    )


def _details(conversion: EventRow, judgement: Judgement, standings: Standings) -> list[str]:
    """The sentences of a judgement."""
    now, history, running = event_time(conversion), standings.history, judgement.running
    if judgement.outcome == "no_experiment":
        return _no_experiment(conversion, judgement.event, history)
    sentences = _own_exclusions(conversion, standings) if judgement.outcome == "excluded" else []
    sentences += [_describe(standing, standing in running, now, history) for standing in judgement.candidates]
    if not any(standing.decided_by(now) for standing in running):
        also = "also " if judgement.candidates else ""
        sentences += [
            f"The event {also}names the experiment {quoted(id_)}, which the datafile leaves out."
            for id_ in judgement.left_out
        ]
    return sentences


def _decided_in(experiment_ids: Sequence[str], now: int, standings: Standings) -> bool:
    """Whether a decision up to this time names one of these experiments, which no datafile lists."""
    return any(
        row["experiment_id"] in experiment_ids and event_time(row) <= now and not row["problems"]
        for row in standings.decisions
    )


def deduplication_key(row: Mapping[str, Any], rules: Rules) -> tuple[str | None, ...]:
    """What makes two events one: account, entity (or key), uuid and timestamp; by the rule `uuid` account and uuid."""
    if rules.dedup == "uuid":
        return row["account_id"], row["uuid"]
    return row["account_id"], row["entity_id"] or row["key"], row["uuid"], str(row["timestamp"])


def _candidates(event: Event | None, now: int, standings: Standings) -> tuple[Experiment, ...]:
    if event is None:
        return ()
    if standings.rules.count_late_metrics:
        return standings.history.experiments_with_metric(event.id)
    datafile = standings.history.at(now)
    return datafile.experiments_with_metric(event.id) if datafile else ()


def _attribution(standing: Standing) -> Attribution:
    variation = standing.variation
    return {
        "experiment": standing.experiment.key,
        "variation": variation.key if variation else "",
        "experiment_id": standing.experiment.id,
        "variation_id": variation.id if variation else "",
    }


def _own_exclusions(conversion: EventRow, standings: Standings) -> list[str]:
    reasons = [f"The conversion itself is malformed: {note['message']}." for note in conversion["problems"]]
    if nested_tags_refused(conversion, standings.rules):
        reasons.append(
            "The event has arrays or objects among its tags, and such events are rejected here (--nested-tags)."
        )
    if bot_filtered(conversion, standings.history, standings.rules):
        reasons.append("Bot filtering is on and the event's user agent names a bot.")
    return reasons


def _no_experiment(conversion: EventRow, event: Event | None, history: DatafileHistory) -> list[str]:
    if event is not None:
        others = [history.experiment(experiment_id) for experiment_id in event.experiment_ids]
        without = [
            f"the {rule.kind} {quoted(rule.key)}" for rule in others if rule and rule.kind != "experiment"
        ]
        if without:
            return [
                f"The event is attached to {joined(without)}; deliveries have no results, holdouts have some of their own."
            ]
        former = [rule.key for rule in others if rule is not None]
        if former:
            return [f"It was a metric of {listed(former)} when it happened, and has been removed since."]
        return [f"The datafile attaches {quoted(event.key)} to no experiment."]
    entity_id, key = conversion["entity_id"], conversion["key"]
    sentences = [f"The datafile has no event with the id {quoted(entity_id)}."] if entity_id else []
    namesake = history.newest.event(key) if history.newest and key else None
    if namesake is not None and entity_id:
        sentences.append(f"It has the event {quoted(key)}, but with the id {quoted(namesake.id)}.")
    elif key and key != entity_id:
        sentences.append(f"The datafile has no event with the key {quoted(key)}.")
    return sentences


def _describe(standing: Standing, runs: bool, now: int, history: DatafileHistory) -> str:
    """One sentence on one experiment."""
    name = f"Experiment {named(standing.experiment, history)}"
    if not runs:
        sentence = f"{name} {stood(standing.experiment, now, history)} at {when(now)}"
        if standing.first is not None and standing.variation is not None:
            entered = when(event_time(standing.first))
            sentence += f"; the visitor entered {quoted(standing.variation.key)} at {entered}"
        return f"{sentence}."
    if standing.first is not None and standing.variation is not None:
        at, seen = event_time(standing.first), quoted(standing.variation.key)
        if at <= now:
            return f"{name}: the visitor has been in {seen} since {when(at)}."
        return f"{name}: the visitor entered {seen} only at {when(at)}, {between(now, at)} after the event."
    reasons = listed_reasons(standing)
    if reasons:
        return f"{name}: the visitor's decisions do not count: {reasons}."
    return f"{name} is running; the visitor has no decision in it."


def listed_reasons(standing: Standing) -> str:
    """Why the visitor's decisions in this experiment do not count, each reason once; empty if none."""
    return "; ".join(dict.fromkeys(reason.message for _, reason in standing.set_aside))
