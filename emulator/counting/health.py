"""The health of an experiment: what in its traffic makes its figures doubtful, check by check.

The checks are those that Optimizely (sample ratio) and other services of the kind show; where none says at which number a
check speaks up, the number here is an assumption (docs/optimizely.md, "Health").
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.attribution import judge_by
from optilocal.emulator.counting.over_time import Course
from optilocal.emulator.counting.sample_ratio import sample_ratio
from optilocal.emulator.counting.standing import Rules, Standings
from optilocal.emulator.datafile.history import DatafileHistory

GOOD, ATTENTION, CRITICAL, NOT_APPLICABLE = "good", "attention", "critical", "not_applicable"
_WORST_FIRST: Final = (CRITICAL, ATTENTION, GOOD, NOT_APPLICABLE)
CHECKS: Final = ("sample_ratio", "crossover", "without_decision", "one_visitor", "idle_metrics")

FEW_EVENTS = 20
"""Fewer events of an experiment say nothing about one visitor's part in them."""
PLAUSIBLE_SHARE, PLAUSIBLE_TIMES = 0.2, 10
"""One visitor has more than this share of an experiment's events, and more than so many times what others have on average:
an id that many people share, such as a constant for everybody who is not signed in.
"""


class Watch:
    """One experiment while its visitors are looked at."""

    def __init__(self) -> None:
        self.entered: list[tuple[int, str]] = []
        self.crossed = 0
        self.events: Counter[str] = Counter()
        self.course = Course()


def watched(
    visitors: Iterable[Sequence[EventRow]], history: DatafileHistory, rules: Rules
) -> dict[str, Watch]:
    """Experiment id → what its visitors did; `visitors` are each one's rows, replays collapsed."""
    watches: dict[str, Watch] = {}
    for rows in visitors:
        decisions = [row for row in rows if row["kind"] == "decision"]
        if not decisions:
            continue
        standings = Standings(decisions, history, rules)
        own = {}
        for standing in standings.all():
            if standing.first is None or standing.variation is None:
                continue
            watch = own[standing.experiment.id] = watches.setdefault(standing.experiment.id, Watch())
            at = event_time(standing.first)
            watch.entered.append((at, standing.variation.id))
            watch.crossed += bool(standing.others)
            watch.events[str(standing.first["visitor_id"])] += len(standing.counting)
            watch.course.enter(standing.variation.id, at)
        converted: set[tuple[str, str]] = set()
        conversions = [row for row in rows if row["kind"] == "conversion"] if own else []
        for row in sorted(conversions, key=event_time):
            judgement = judge_by(row, standings)
            for place in judgement.attributed_to:
                watch = own[place["experiment_id"]]
                watch.events[str(row["visitor_id"])] += 1
                key = judgement.event.key if judgement.event else ""
                if (place["experiment_id"], key) not in converted:
                    converted.add((place["experiment_id"], key))
                    watch.course.convert(place["variation_id"], key, event_time(row))
    return watches


def health(
    experiment_id: str,
    shown: Mapping[str, Any],
    watch: Watch,
    history: DatafileHistory,
    threshold: float,
) -> dict[str, Any]:
    """`{"status", CHECK: {"status", …figures, "message"}}` of one experiment as the results show it, funnel included."""
    names = {variation["id"]: key for key, variation in shown["variations"].items()}
    checks = {
        "sample_ratio": _sample_ratio(experiment_id, watch, history, names, threshold),
        "crossover": _crossover(watch),
        "without_decision": _without_decision(shown["funnel"]),
        "one_visitor": _one_visitor(watch.events),
        "idle_metrics": _idle_metrics(shown["variations"]),
    }
    worst = min((each["status"] for each in checks.values()), key=_WORST_FIRST.index)
    return {"status": GOOD if worst == NOT_APPLICABLE else worst, **checks}


def _sample_ratio(
    experiment_id: str, watch: Watch, history: DatafileHistory, names: Mapping[str, str], threshold: float
) -> dict[str, Any]:
    def split_at(at: int) -> Mapping[str, float]:
        datafile = history.at(at)
        return datafile.splits.get(experiment_id, {}) if datafile else {}

    ratio = sample_ratio((variation, split_at(at)) for at, variation in sorted(watch.entered))
    if ratio is None:
        why = "Nobody has entered a variation with a fixed share of the traffic."
        return {"status": NOT_APPLICABLE, "message": why}
    bad = ratio.p_value < threshold
    message = "Visitors are spread as the traffic allocation intends."
    if bad:
        counts = ", ".join(
            f"{names.get(id_, id_)} {count} of about {ratio.expected[id_]:.0f}"
            for id_, count in ratio.visitors.items()
        )
        message = f"Visitors are not spread as the traffic allocation intends: {counts}."
    return {
        "status": CRITICAL if bad else GOOD,
        "p_value": ratio.p_value,
        "threshold": threshold,
        "visitors": {names.get(id_, id_): count for id_, count in ratio.visitors.items()},
        "expected": {names.get(id_, id_): round(count, 1) for id_, count in ratio.expected.items()},
        "message": message,
    }


def _crossover(watch: Watch) -> dict[str, Any]:
    visitors, crossed = len(watch.entered), watch.crossed
    message = "Nobody was seen in two variations."
    if crossed:
        message = f"{crossed} of {visitors} visitors were seen in more than one variation; each counts in the first."
    return {"status": ATTENTION if crossed else GOOD, "visitors": crossed, "of": visitors, "message": message}


def _without_decision(funnel: Mapping[str, Any]) -> dict[str, Any]:
    lost = {loss["outcome"]: loss["events"] for loss in funnel["losses"]}
    anonymous, known = lost.get("unidentified_user", 0), lost.get("user_not_activated", 0)
    received = funnel["received"]
    bad = anonymous > 0 or known * 2 > received
    message = "Conversions come from visitors who were decided for."
    if anonymous or known:
        message = (
            f"Of {received} conversions received {anonymous + known} are of visitors without a decision here: {known} with "
            f"a userId, {anonymous} with an anonymousId alone."
        )
    return {
        "status": ATTENTION if bad else GOOD,
        "user_id": known,
        "anonymous_id": anonymous,
        "of": received,
        "message": message,
    }


def _one_visitor(events: Counter[str]) -> dict[str, Any]:
    total = events.total()
    if total < FEW_EVENTS:
        return {"status": NOT_APPLICABLE, "events": total, "message": f"Fewer than {FEW_EVENTS} events."}
    visitor, most = events.most_common(1)[0]
    others = (total - most) / (len(events) - 1) if len(events) > 1 else 0.0
    bad = most > PLAUSIBLE_SHARE * total and most > PLAUSIBLE_TIMES * others
    message = "No visitor has an implausible part of the events."
    if bad:
        message = (
            f"{most} of {total} events are of the one visitor id {visitor!r:.80}: do many people share it?"
        )
    return {
        "status": ATTENTION if bad else GOOD,
        "visitor_id": visitor,
        "events": most,
        "of": total,
        "message": message,
    }


def _idle_metrics(variations: Mapping[str, Any]) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    for variation in variations.values():
        for key, figures in variation["metrics"].items():
            totals[key] += figures["total"]
    idle = sorted(key for key, total in totals.items() if not total)
    seen = any(variation["visitors"] for variation in variations.values())
    message = "Every metric has conversions."
    if idle:
        message = f"Without a conversion that counts: {', '.join(idle)}."
    elif not totals:
        message = "No event of the datafile is a metric of this experiment."
    return {
        "status": ATTENTION if seen and (idle or not totals) else GOOD,
        "metrics": idle,
        "message": message,
    }
