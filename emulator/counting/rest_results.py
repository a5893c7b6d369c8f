"""The counts in the shape of Optimizely's REST API: `GET /v2/experiments/<id>/results`."""

from typing import Any

from optilocal.emulator.counting.results import Arm, Totals, plain_number
from optilocal.emulator.datafile.datafile import Event
from optilocal.emulator.datafile.history import DatafileHistory

Arms = dict[str, tuple[str, Arm]]

_METRICS = (
    ("unique", None, "unique"),
    ("count", None, "total"),
    ("sum", "revenue", "revenue"),
    ("sum", "value", "value"),
)


def rest_results(
    experiment_id: str, totals: Totals, history: DatafileHistory, baseline: str | None = None
) -> dict[str, Any] | None:
    """The body of an answer without its times, or None (204) while the experiment has no visitor.

    Each attached event gives four metrics: unique conversions, total conversions, sum of revenue (cents) and
    sum of value; the revenue of all of them together has event_id null (docs/optimizely.md, "Counting"). `baseline` is
    a variation's id; without it the first variation is the baseline. Statistics (significance, intervals) are not imitated.

    Raises KeyError when no revision of the datafile lists such an experiment, or it has no such variation.
    """
    experiment = history.experiment(experiment_id)
    if experiment is None or experiment.kind != "experiment":
        raise KeyError(experiment_id)
    arms = totals.arms(experiment)
    if baseline is not None:
        arms = {baseline: arms[baseline], **arms}
    if not totals.visitors(experiment_id):
        return None
    metrics = []
    for event in history.metrics(experiment_id):
        for aggregator, field, name in _METRICS:
            values = {
                id_: plain_number(getattr(arm.sum_of(event.id), name)) for id_, (_, arm) in arms.items()
            }
            metrics.append(_metric(aggregator, event, field, arms, values))
    overall = {
        id_: sum(figures.revenue for figures in arm.metrics.values()) for id_, (_, arm) in arms.items()
    }
    metrics.append(_metric("sum", None, "revenue", arms, overall))
    return {"experiment_id": _number(experiment_id), "metrics": metrics, "reach": _reach(arms)}


def _metric(
    aggregator: str,
    event: Event | None,
    field: str | None,
    arms: Arms,
    values: dict[str, Any],
) -> dict[str, Any]:
    results: dict[str, Any] = {}
    baseline_rate: float | None = None
    for variation_id, (key, arm) in arms.items():
        rate = values[variation_id] / arm.visitors if arm.visitors else 0.0
        is_baseline = not results
        result = {
            "variation_id": variation_id,
            "name": key,
            "is_baseline": is_baseline,
            "value": values[variation_id],
            "samples": arm.visitors,
            "rate": rate,
        }
        if is_baseline:
            baseline_rate = rate
        else:
            result["lift"] = {"value": rate / baseline_rate - 1 if baseline_rate else None}
        results[variation_id] = result
    name = event.key if event else "Overall revenue"
    return {
        "aggregator": aggregator,
        "event_id": _number(event.id) if event else None,
        "field": field,
        "name": name,
        "scope": "visitor",
        "winning_direction": "increasing",
        "results": results,
    }


def _reach(arms: Arms) -> dict[str, Any]:
    total = sum(arm.visitors for _, arm in arms.values())
    return {
        "total_count": total,
        "variations": {
            variation_id: {
                "variation_id": variation_id,
                "name": key,
                "count": arm.visitors,
                "variation_reach": arm.visitors / total,
            }
            for variation_id, (key, arm) in arms.items()
        },
    }


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text
