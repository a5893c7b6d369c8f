"""The funnel of an experiment: how many events were tracked, sent, received and counted, and what became of the rest.

An event belongs to every experiment that has its key as a metric, wherever it was lost: also one with a key that is
nobody's and close to the metric's.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from optilocal.emulator.datafile.history import DatafileHistory
from optilocal.emulator.datafile.nearest import fold, nearest
from optilocal.emulator.json_text import loads

STAGES: Final = ("tracked", "sent", "received", "counted")

# Outcomes after which nothing was sent to the Event API; `duplicate` is one of them where nothing was received.
_NEVER_SENT: Final = frozenset(
    ("suppressed_user", "blocked_by_schema", "consent_refused", "filtered", "not_subscribed", "invalid_payload",
     "datafile_unavailable", "project_deactivated", "unmatched_event_key")
)  # fmt: skip


def missed(outcome: str, *, received: bool) -> str:
    """The first of `STAGES` that an event with this outcome did not reach."""
    if outcome in _NEVER_SENT or (outcome == "duplicate" and not received):
        return "sent"
    return "received" if outcome == "delivery_failed" else "counted"


class Funnel:
    """Counts of one experiment's events, or of all; `add` takes a group of alike ones."""

    def __init__(self) -> None:
        self._reached = dict.fromkeys(STAGES, 0)
        self._lost: dict[tuple[str, str], dict[str, int]] = {}

    def add(self, key: str | None, outcome: str, events: int, *, received: bool, counted: bool) -> None:
        """Count so many events of one key and outcome; `counted` says that they count here."""
        short_of = None if counted else missed(outcome, received=received)
        for stage in STAGES:
            if stage == short_of:
                break
            self._reached[stage] += events
        if short_of is not None:
            by_event = self._lost.setdefault((outcome, short_of), {})
            by_event[key or ""] = by_event.get(key or "", 0) + events

    def as_json(self) -> dict[str, Any]:
        """`{"tracked", "sent", "received", "counted", "losses": [{"outcome", "before", "events", "by_event"}]}`: what was
        lost before a stage, the most first. Of the outcome `counted` are events that count in other experiments only.
        """
        losses = [
            {"outcome": outcome, "before": before, "events": sum(by_event.values()), "by_event": by_event}
            for (outcome, before), by_event in self._lost.items()
        ]
        losses.sort(key=lambda loss: (STAGES.index(str(loss["before"])), -int(str(loss["events"]))))
        return {**self._reached, "losses": losses}


def funnels(
    rows: Iterable[Mapping[str, Any]], history: DatafileHistory, experiment_ids: Sequence[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The funnel of all events, and of each of these experiments by its id.

    `rows` are `Journal.verdict_counts`. Calls that are no conversions, such as identify, are left out: no mapping wanted
    them and they have no event key.
    """
    all_events = Funnel()
    by_experiment = {id_: Funnel() for id_ in experiment_ids}
    meant = _Meant(history, experiment_ids)
    for row in rows:
        key, outcome, events = row["event_key"], row["outcome"] or "delivery_failed", row["total"]
        if outcome == "not_subscribed" and key is None:
            continue
        received = bool(row["received"])
        all_events.add(key, outcome, events, received=received, counted=outcome == "counted")
        credited = loads(row["attributed"]) if row["attributed"] else []
        for id_ in dict.fromkeys(
            (*meant.experiments(key), *(id_ for id_ in credited if id_ in by_experiment))
        ):
            by_experiment[id_].add(key, outcome, events, received=received, counted=id_ in credited)
    return all_events.as_json(), {id_: funnel.as_json() for id_, funnel in by_experiment.items()}


class _Meant:
    """Event key → the experiments that it is, or was meant to be, a metric of."""

    def __init__(self, history: DatafileHistory, experiment_ids: Sequence[str]) -> None:
        self._by_key: dict[str, list[str]] = {}
        for id_ in experiment_ids:
            for event in history.metrics(id_):
                self._by_key.setdefault(event.key, []).append(id_)
        newest = history.newest
        self._others = {event.key for event in newest.events} - set(self._by_key) if newest else set()
        self._by_fold: dict[str, Sequence[str]] = {}

    def experiments(self, key: str | None) -> Sequence[str]:
        if key is None or key in self._others:
            return ()
        if key in self._by_key:
            return self._by_key[key]
        folded = fold(key)
        if folded not in self._by_fold:
            near = nearest(key, (*self._by_key, *self._others), limit=1)
            self._by_fold[folded] = self._by_key.get(near[0].name, ()) if near else ()
        return self._by_fold[folded]
