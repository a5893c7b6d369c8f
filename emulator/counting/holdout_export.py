"""A holdout's counts as CSV, as `GET /v2/export/projects/<id>/holdouts/<id>/results/csv` gives them.

The columns are those that Optimizely's API description names for the export of an experiment's results
(`/export/experiments/{experiment_id}/results/csv`; it names none for a holdout). What is statistics stays empty.
"""

import csv
import io

from optilocal.emulator.clock import iso
from optilocal.emulator.counting.results import Arm, Totals, plain_number
from optilocal.emulator.datafile.datafile import Event
from optilocal.emulator.datafile.history import DatafileHistory

COLUMNS = (
    "Start Time (UTC)",
    "End Time (UTC)",
    "Variation Name",
    "Variation ID",
    "Is Baseline Variation",
    "Metric Event Name",
    "Metric Event ID",
    "Metric Numerator Type",
    "Metric Denominator Type",
    "Metric Winning Direction",
    "Numerator Value",
    "Denominator Value",
    "Metric Value",
    "Improvement Status from Baseline",
    "Improvement Value from Baseline",
    "Statistical Significance",
    "Is Improvement Significant",
    "Confidence Interval - Low",
    "Confidence Interval - High",
    "Samples Remaining to Significance",
    "Properties",
)
_NUMERATORS = (
    ("unique conversions", "unique"),
    ("total conversions", "total"),
    ("total revenue", "revenue"),
    ("total value", "value"),
)
# The held out are the baseline that everyone else is compared with (docs.developers.optimizely.com, global holdouts).
_BASELINE = "holdout"
_NAMES = {"holdout": "Holdout", "everyone_else": "Everyone else"}


def holdout_csv(
    holdout_id: str, totals: Totals, history: DatafileHistory, start: int | None, end: int
) -> str | None:
    """The CSV, or None (204) while the holdout has no visitor; times in epoch ms, revenue in cents.

    Raises KeyError when no revision of the datafile lists such a holdout.
    """
    scope = history.holdouts[holdout_id]
    if not totals.visitors(holdout_id):
        return None
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    groups = totals.groups(holdout_id)
    times = {"Start Time (UTC)": "" if start is None else iso(start), "End Time (UTC)": iso(end)}
    for event in scope.metrics.values():
        for numerator, figure in _NUMERATORS:
            baseline = _rate(groups[_BASELINE], event, figure)
            for group, arm in groups.items():
                rate = _rate(arm, event, figure)
                writer.writerow(
                    {
                        **times,
                        "Variation Name": _NAMES[group],
                        "Is Baseline Variation": str(group == _BASELINE).lower(),
                        "Metric Event Name": event.key,
                        "Metric Event ID": event.id,
                        "Metric Numerator Type": numerator,
                        "Metric Denominator Type": "visitors",
                        "Metric Winning Direction": "increasing",
                        "Numerator Value": plain_number(getattr(arm.sum_of(event.id), figure)),
                        "Denominator Value": arm.visitors,
                        "Metric Value": rate,
                        "Improvement Value from Baseline": ""
                        if group == _BASELINE or not baseline
                        else rate / baseline - 1,
                    }
                )
    return text.getvalue()


def _rate(arm: Arm, event: Event, figure: str) -> float:
    value = plain_number(getattr(arm.sum_of(event.id), figure))
    return value / arm.visitors if arm.visitors else 0.0
