"""Results that are counted anew from the stored rows: of a part of them, and each experiment's funnel and health."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

from optilocal.emulator.batch.row import EventRow
from optilocal.emulator.counting.funnel import funnels
from optilocal.emulator.counting.health import Watch, health, watched
from optilocal.emulator.counting.question import OwnQuestion
from optilocal.emulator.counting.recount import Question, recount
from optilocal.emulator.counting.results import Totals
from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.limits import SLICE
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import event_json

T = TypeVar("T")


def results_with_health(projector: Projector, namespace: str, asked: OwnQuestion) -> dict[str, Any]:
    """`GET /_emulator/results`: `{"experiments", "holdouts"}`; of all that was recorded, when asked, also `funnel`, and
    `health` with `over_time`.

    A segment or a date range has no funnel: what was lost before it was counted has neither.
    """
    history = projector.verdicts.history(namespace)
    if asked.question.is_plain:
        shown = projector.results(namespace)
    else:
        shown = recounted(projector, namespace, asked.question).results(history)
    if not asked.funnel:
        return shown
    experiments = {experiment["id"]: experiment for experiment in shown["experiments"].values()}
    rows = projector.journal.verdict_counts(namespace)
    shown["funnel"], by_experiment = funnels(rows, history, list(experiments))
    for id_, funnel in by_experiment.items():
        experiments[id_]["funnel"] = funnel
    if asked.health:
        watches = _of_all_visitors(
            projector, namespace, lambda rows, history: watched(rows, history, projector.rules)
        )
        for id_, experiment in experiments.items():
            watch = watches.get(id_) or Watch()
            names = {variation["id"]: key for key, variation in experiment["variations"].items()}
            experiment["health"] = health(id_, experiment, watch, history, asked.srm_threshold)
            experiment["over_time"] = watch.course.as_json(names)
    return shown


def recounted(projector: Projector, namespace: str, question: Question) -> Totals:
    """The totals of a question over all that a namespace has stored by now."""
    projector.catch_up()
    return _of_all_visitors(
        projector, namespace, lambda rows, history: recount(rows, question, history, projector.rules)
    )


def _of_all_visitors(
    projector: Projector, namespace: str, count: Callable[[Iterable[list[EventRow]], DatafileHistory], T]
) -> T:
    """What `count` makes of each visitor's rows; begun anew where an erasure or a reset came in between."""
    while True:
        at = projector.journal.position()
        history = projector.verdicts.history(namespace)
        result = count(_stored_visitors(projector.journal, namespace, at.event), history)
        if projector.journal.position().epoch == at.epoch:
            return result


def _stored_visitors(journal: Journal, namespace: str, newest: int) -> Iterator[list[EventRow]]:
    """Each visitor's rows in turn, replays collapsed, up to the newest event given."""
    after = ""
    while page := journal.visitors(namespace, newest, after, SLICE):
        rows = journal.events_of([(namespace, visitor) for visitor in page])
        for _, own in groupby(rows, key=lambda row: row["visitor_id"]):
            yield [
                event_json(row)  # type: ignore[misc]
                for row in own
                if row["number"] <= newest and row["duplicate_of"] is None
            ]
        after = page[-1]
