"""Judgements folded into counts: per visitor, so that they can be added and taken away, and the shapes they
are read in.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from typing import Any

import msgspec

from optilocal.emulator.batch.row import EventRow, event_time
from optilocal.emulator.counting.attribution import Judgement, judge_by
from optilocal.emulator.counting.holdouts import GROUPS, HoldoutStanding, HoldoutStandings
from optilocal.emulator.counting.segmentation import Segment
from optilocal.emulator.counting.smoothing import Revenues
from optilocal.emulator.counting.standing import SET_ASIDE, ReasonCode, Rules, Standings
from optilocal.emulator.datafile.datafile import Event, Experiment
from optilocal.emulator.datafile.history import DatafileHistory, suffixes
from optilocal.emulator.datafile.problems import ExperimentKind
from optilocal.emulator.json_text import dumps, loads

# Wide enough for the exact sum of any doubles: the order of adding must not matter, nor adding and taking away.
_EXACT = Context(prec=1400)
_LARGEST = Decimal("1.7976931348623157E+308")


class Metric(msgspec.Struct, array_like=True):
    """What was done with one event: times, cents, exact sum of values."""

    total: int = 0
    revenue: int = 0
    value: Decimal = Decimal(0)

    def add(self, more: "Metric", sign: int = 1) -> None:
        """Add what more was done, or with `sign` -1 take it away."""
        self.total += sign * more.total
        self.revenue += sign * more.revenue
        if more.value:
            self.value = (_EXACT.add if sign > 0 else _EXACT.subtract)(self.value, more.value)


class Share(msgspec.Struct, array_like=True):
    """What one visitor adds to one experiment, or to one holdout, whose "variations" are its two groups; metrics by
    event id.
    """

    variation_id: str
    variation: str
    metrics: dict[str, Metric] = {}

    def count(self, event: Event, once: Metric, sign: int = 1) -> None:
        """Count one conversion in, or with `sign` -1 out again."""
        metric = self.metrics.setdefault(event.id, Metric())
        metric.add(once, sign)
        if not metric.total:
            del self.metrics[event.id]


class Contribution(msgspec.Struct):
    """What one visitor adds to the results. `shares` are by the id of the experiment or holdout; `set_aside` says, by the
    id of an experiment that only decisions which do not count put the visitor into, why they do not.
    """

    shares: dict[str, Share] = {}
    set_aside: dict[str, tuple[ReasonCode, ...]] = {}


Held = Sequence[tuple[HoldoutStanding, Event]]


def visitor_contribution(
    rows: Iterable[EventRow],
    history: DatafileHistory,
    rules: Rules,
    segment: Segment | None = None,
    revenues: Revenues | None = None,
) -> Contribution:
    """What one visitor adds to the results.

    `rows` are all rows of that visitor in any order, replays collapsed. With a `segment` the visitor counts where a
    decision or a conversion of the experiment carries the attribute, and of the conversions only those that carry it
    (docs/optimizely.md, "Counting"); the variation is still the first one seen. `revenues` is told every event's.
    """
    decisions: list[EventRow] = []
    conversions: list[EventRow] = []
    for row in rows:
        (decisions if row["kind"] == "decision" else conversions).append(row)
    standings, holdouts = Standings(decisions, history, rules), HoldoutStandings(decisions, history, rules)
    contribution = shares(standings, holdouts)
    carried: set[str] = set()
    for row in conversions:
        if segment is not None and not segment.carried_by(row):
            continue
        judgement = judge_by(row, standings)
        for attribution in judgement.attributed_to:
            if judgement.event is not None:
                experiment_id = attribution["experiment_id"]
                carried.add(experiment_id)
                contribution.shares[experiment_id].count(judgement.event, _once(row))
                if revenues is not None and row["revenue"] is not None:
                    metric = (experiment_id, judgement.event.id)
                    revenues.add(metric, attribution["variation_id"], event_time(row), row["revenue"])
        for held, event in holdouts.counted(row):
            carried.add(held.holdout.id)
            contribution.shares[held.holdout.id].count(event, _once(row))
            if revenues is not None and row["revenue"] is not None:
                revenues.add((held.holdout.id, event.id), held.group, event_time(row), row["revenue"])
    if segment is None:
        return contribution
    for standing in standings.all():
        rows_there = standing.counting or [row for row, _ in standing.set_aside]
        if any(segment.carried_by(row) for row in rows_there):
            carried.add(standing.experiment.id)
    for held in holdouts.all():
        if any(segment.carried_by(row) for row in held.counting):
            carried.add(held.holdout.id)
    return Contribution(
        {rule_id: share for rule_id, share in contribution.shares.items() if rule_id in carried},
        {rule_id: codes for rule_id, codes in contribution.set_aside.items() if rule_id in carried},
    )


def shares(standings: Standings, holdouts: HoldoutStandings) -> Contribution:
    """What one visitor adds to the results before it has converted."""
    contribution: dict[str, Share] = {}
    set_aside: dict[str, tuple[ReasonCode, ...]] = {}
    for standing in standings.all():
        if standing.variation is not None:
            variation = standing.variation
            contribution[standing.experiment.id] = Share(variation.id, variation.key)
        elif standing.set_aside:
            codes = dict.fromkeys(reason.code for _, reason in standing.set_aside)
            set_aside[standing.experiment.id] = tuple(codes)
    for held in holdouts.all():
        contribution[held.holdout.id] = Share(held.group, held.group)
    return Contribution(contribution, set_aside)


def _once(conversion: EventRow) -> Metric:
    """What one conversion does."""
    value = conversion["value"]
    return Metric(1, conversion["revenue"] or 0, Decimal(repr(value)) if value else Decimal(0))


class Figures(Metric, array_like=True):
    """One event's figures in one variation: how many visitors did it, besides."""

    unique: int = 0

    def as_json(self) -> dict[str, Any]:
        """`{"unique", "total", "revenue", "value"}`."""
        return {
            "unique": self.unique,
            "total": self.total,
            "revenue": self.revenue,
            "value": plain_number(self.value),
        }


class Arm(msgspec.Struct, array_like=True):
    """One variation's figures."""

    key: str = ""
    visitors: int = 0
    metrics: dict[str, Figures] = {}

    def sum_of(self, event_id: str) -> Figures:
        return self.metrics.get(event_id, Figures())


class _Sums(msgspec.Struct):
    """Figures by the ids of experiment, or holdout, and variation; how many visitors are set aside, by experiment and
    reason.
    """

    arms: dict[str, dict[str, Arm]] = {}
    set_aside: dict[str, dict[str, int]] = {}


class Totals:
    """The sum of visitors' contributions; exact, so that taking one away again leaves what was there before."""

    def __init__(self, text: str | None = None) -> None:
        """No visitors; or what `as_text` gave."""
        sums = _Sums() if text is None else msgspec.convert(loads(text), _Sums)
        self._arms, self._set_aside = sums.arms, sums.set_aside

    def as_text(self) -> str:
        """The totals as JSON, to be kept."""
        return dumps(_Sums(self._arms, self._set_aside))

    def _arm(self, rule_id: str, share: Share) -> Arm:
        arms = self._arms.setdefault(rule_id, {})
        if share.variation_id not in arms:
            arms[share.variation_id] = Arm()
        return arms[share.variation_id]

    def add(self, contribution: Contribution) -> None:
        """Count one visitor in."""
        self._apply(contribution, 1)

    def subtract(self, contribution: Contribution) -> None:
        """Take a visitor that was added out again, as before counting it anew or when it is erased."""
        self._apply(contribution, -1)

    def _apply(self, contribution: Contribution, sign: int) -> None:
        for experiment_id, codes in contribution.set_aside.items():
            visitors = self._set_aside.setdefault(experiment_id, {})
            for code in codes:
                visitors[code] = visitors.get(code, 0) + sign
        for rule_id, share in contribution.shares.items():
            arm = self._arm(rule_id, share)
            arm.key = share.variation
            arm.visitors += sign
            for event_id, metric in share.metrics.items():
                figures = arm.metrics.setdefault(event_id, Figures())
                figures.unique += sign
                figures.add(metric, sign)

    def count_in(
        self, contribution: Contribution, judgement: Judgement, held: Held, row: EventRow, sign: int = 1
    ) -> None:
        """Count one more judged conversion in, and into what its visitor adds; with `sign` -1 take it out again.

        `held` is what it counts for among the holdouts.
        """
        once = _once(row)
        counts = [(standing.holdout.id, event) for standing, event in held]
        if judgement.event is not None:
            counts += [(place["experiment_id"], judgement.event) for place in judgement.attributed_to]
        for rule_id, event in counts:
            share = contribution.shares[rule_id]
            figures = self._arm(rule_id, share).metrics.setdefault(event.id, Figures())
            was_there = event.id in share.metrics
            share.count(event, once, sign)
            figures.unique += (event.id in share.metrics) - was_there
            figures.add(once, sign)

    def smooth(self, revenues: Revenues) -> None:
        """Put the sums of smoothed revenues in the place of those that were added."""
        for (experiment_id, event_id), by_variation in revenues.smoothed().items():
            for variation_id, cents in by_variation.items():
                self._arms[experiment_id][variation_id].metrics[event_id].revenue = cents

    def results(self, history: DatafileHistory) -> dict[str, Any]:
        """`GET /_emulator/results`: `{"experiments": {KEY: …}, "holdouts": {KEY: …}}`.

        All experiments of the newest datafile appear, with all variations and attached events, at zero when
        nothing counted; so do experiments that have left the datafile but have visitors. When two have one
        key, as in two flags or environments, the later one's key bears its flag, environment or id: `checkout_test
        (development)`. `set_aside` counts the visitors whose decisions in the experiment all do not count, by the reason.
        Holdouts appear alike, each with the groups `holdout` and `everyone_else`.
        """
        experiments: dict[str, Any] = {}
        for experiment in self._rules(history, "experiment"):
            key = _free(experiment.key, suffixes(experiment, history), experiments)
            experiments[key] = {
                "id": experiment.id,
                "status": experiment.status,
                "variations": self._variations(experiment, history),
                "set_aside": [
                    {"reason": code, "message": message, "visitors": visitors}
                    for code, message in SET_ASIDE.items()
                    if (visitors := self._set_aside.get(experiment.id, {}).get(code))
                ],
            }
        holdouts: dict[str, Any] = {}
        for holdout in self._rules(history, "holdout"):
            events = history.holdouts[holdout.id].metrics.values()
            key = _free(holdout.key, (holdout.environment, holdout.id), holdouts)
            holdouts[key] = {
                "id": holdout.id,
                "status": holdout.status,
                "groups": {
                    group: {"visitors": arm.visitors, "metrics": _metrics(arm, events)}
                    for group, arm in self.groups(holdout.id).items()
                },
            }
        return {"experiments": experiments, "holdouts": holdouts}

    def _rules(self, history: DatafileHistory, kind: ExperimentKind) -> Iterator[Experiment]:
        newest = history.newest
        listed = [rule for rule in newest.experiments if rule.kind == kind] if newest else []
        yield from listed
        known = {rule.id for rule in listed}
        for rule_id in sorted(self._arms):
            rule = history.experiment(rule_id)
            if rule and rule.kind == kind and rule_id not in known and self.visitors(rule_id):
                yield rule

    def groups(self, holdout_id: str) -> dict[str, Arm]:
        """The figures of a holdout's two groups."""
        arms = self._arms.get(holdout_id, {})
        return {group: arms.get(group, Arm()) for group in GROUPS}

    def visitors(self, experiment_id: str) -> int:
        """How many visitors count in the experiment."""
        return sum(arm.visitors for arm in self._arms.get(experiment_id, {}).values())

    def arms(self, experiment: Experiment) -> dict[str, tuple[str, Arm]]:
        """Variation id → key and figures: the datafile's variations, then others that have visitors."""
        arms = self._arms.get(experiment.id, {})
        named = {v.id: (v.key, arms.get(v.id, Arm())) for v in experiment.variations}
        for variation_id in sorted(arms):
            if variation_id not in named and arms[variation_id].visitors:
                named[variation_id] = (arms[variation_id].key, arms[variation_id])
        return named

    def _variations(self, experiment: Experiment, history: DatafileHistory) -> dict[str, Any]:
        events = history.metrics(experiment.id)
        variations: dict[str, Any] = {}
        for variation_id, (key, arm) in self.arms(experiment).items():
            variations[_free(key, (variation_id,), variations)] = {
                "id": variation_id,
                "visitors": arm.visitors,
                "metrics": _metrics(arm, events),
            }
        return variations


def _metrics(arm: Arm, events: Iterable[Event]) -> dict[str, Any]:
    """Event key → figures, of these events."""
    metrics: dict[str, Any] = {}
    for event in events:
        metrics[_free(event.key, (event.id,), metrics)] = arm.sum_of(event.id).as_json()
    return metrics


def plain_number(value: Decimal | int) -> int | float:
    """A number as JSON shows it best: a whole one without a point."""
    if isinstance(value, int):
        return value
    bounded = max(-_LARGEST, min(_LARGEST, value))
    return int(bounded) if bounded == bounded.to_integral_value() and abs(bounded) < 2**53 else float(bounded)


def _free(key: str, suffixes: Iterable[str | None], taken: dict[str, Any]) -> str:
    """The key, or the key with the first suffix that makes it one of its own."""
    names = [key, *(f"{key} ({suffix})" for suffix in suffixes if suffix)]
    return next((name for name in names if name not in taken), names[-1])
