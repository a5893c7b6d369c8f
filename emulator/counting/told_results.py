"""What `GET /_emulator/results` tells: the counts, each experiment's funnel, and its health where that is asked for."""

from typing import Any

from optilocal.emulator.counting.funnel import funnels
from optilocal.emulator.counting.health import Watch, health, watched
from optilocal.emulator.counting.question import OwnQuestion
from optilocal.emulator.counting.recount import recounted, stored_visitors
from optilocal.emulator.projection.projector import Projector


def told_results(projector: Projector, namespace: str, asked: OwnQuestion) -> dict[str, Any]:
    """`{"experiments", "holdouts"}`; of all that was recorded also `funnel`, and when asked `health` with `over_time`.

    A segment or a date range has no funnel: what was lost before it was counted has neither.
    """
    history = projector.verdicts.history(namespace)
    if asked.question.is_plain:
        shown = projector.results(namespace)
    else:
        shown = recounted(projector, namespace, asked.question).results(history)
    if not asked.question.is_whole:
        return shown
    experiments = {one["id"]: one for one in shown["experiments"].values()}
    rows = projector.journal.verdict_counts(namespace)
    shown["funnel"], by_experiment = funnels(rows, history, list(experiments))
    for id_, funnel in by_experiment.items():
        experiments[id_]["funnel"] = funnel
    if asked.health:
        seen = _watched(projector, namespace)
        for id_, one in experiments.items():
            watch = seen.get(id_) or Watch()
            names = {each["id"]: key for key, each in one["variations"].items()}
            one["health"] = health(id_, one, watch, history, asked.srm_threshold)
            one["over_time"] = watch.course.as_json(names)
    return shown


def _watched(projector: Projector, namespace: str) -> dict[str, Watch]:
    while True:
        # An erasure or a reset halfway would leave a visitor half seen.
        at = projector.journal.position()
        history = projector.verdicts.history(namespace)
        rows = stored_visitors(projector.journal, namespace, at.event)
        found = watched(rows, history, projector.rules)
        if projector.journal.position().epoch == at.epoch:
            return found
