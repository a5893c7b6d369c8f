"""What a namespace's journal holds → the steps and expectations of a scenario that does the same again; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile, is_running
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION
from optilocal.scenarios.editing.expectation_changes import outline
from optilocal.scenarios.editing.recording_time import Moment, laid_out
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.steps import CALL_FIELDS
from optilocal.scenarios.running.verdict_feed import duplicates_last

_ABSENT = Matcher("!absent")
_EXPLICIT = ("userId", "anonymousId", "messageId", "timestamp")


@dataclass(frozen=True)
class Journal:
    """A namespace as read over HTTP. `datafiles` are (from when, the datafile), oldest first, `unusable` what stands in
    their place now, as a `datafile: {raw: …}` step; `wanted` are message ids, none for all.
    """

    verdicts: Sequence[Mapping[str, Any]]
    decisions: Sequence[Mapping[str, Any]]
    results: Mapping[str, Any]
    datafiles: Sequence[tuple[int, Mapping[str, Any]]]
    unusable: tuple[int, Mapping[str, Any]] | None = None
    wanted: frozenset[str] = frozenset()

    @property
    def mappings(self) -> list[dict[str, Any]] | None:
        """The mappings of the newest delivery that was tried with any; None for the action's own one."""
        reports = [
            row["delivery"]
            for row in self.verdicts
            if row["delivery"] and row["delivery"]["type"] != "delete"
        ]
        tried: list[Any] = next(
            (report["mappings"] for report in reversed(reports) if report["mappings"]), []
        )
        written = [
            {
                "name": mapping["name"],
                "trigger": mapping["trigger"],
                "enabled": mapping["enabled"],
                "fields": mapping.get("fields"),
            }
            for mapping in tried
        ]
        usual = [{"name": "", "trigger": DEFAULT_SUBSCRIPTION.trigger, "enabled": True, "fields": None}]
        if not written or [{**mapping, "name": ""} for mapping in written] == usual:
            return None
        # A scenario fills in the action's default for a field it does not name; null leaves the field out.
        unset = dict.fromkeys(DEFAULT_SUBSCRIPTION.fields)
        return [
            {**mapping, "fields": {**unset, **(mapping["fields"] or DEFAULT_SUBSCRIPTION.fields)}}
            for mapping in written
        ]


@dataclass
class Recording:
    """The steps, the expectations and the clock (epoch ms) of the scenario, and in sentences what is not in it."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    expect: dict[str, Any] = field(default_factory=dict)
    clock_ms: int = 0
    left_out: list[str] = field(default_factory=list)
    needs_token: bool = False


def record(journal: Journal) -> Recording:
    """The scenario of a journal. Raises ValueError when it holds no event that could be done again."""
    recording = Recording()
    left_out: Counter[str] = Counter()
    chosen = [row for row in journal.verdicts if not journal.wanted or row["message_id"] in journal.wanted]
    visitors = {row["visitor_id"] for row in chosen}
    moments = _datafiles(journal)
    moments += _decisions(journal, visitors if journal.wanted else None, left_out)
    moments += _source_events(chosen, journal, recording, left_out)
    if not any(moment.verdict is not None for moment in moments):
        raise ValueError("nothing was recorded that a source event or a deletion began")
    recording.clock_ms, ordered, spread = laid_out(moments)
    recording.steps = [moment.step for moment in ordered]
    tracked = [moment.verdict for moment in ordered if "track" in moment.step and moment.verdict]
    recording.expect = {"tracks": [_expected(verdict, with_time=not spread) for verdict in tracked]}
    counted = _results(journal.results)
    if counted and not journal.wanted and "conversion" not in left_out:
        recording.expect["results"] = counted
    recording.left_out = [_sentence(kind, count) for kind, count in left_out.items()]
    if spread:
        recording.left_out.append(
            "The moments between two events: they were closer than the seconds between two steps"
        )
    return recording


def _datafiles(journal: Journal) -> list[Moment]:
    """Every revision after the first as a step; the first is the scenario's own datafile."""
    moments = [Moment(at, {"datafile": dict(datafile)}, fixed=True) for at, datafile in journal.datafiles[1:]]
    if journal.unusable is not None:
        moments.append(Moment(journal.unusable[0], {"datafile": dict(journal.unusable[1])}, fixed=True))
    return moments


def _decisions(journal: Journal, visitors: set[Any] | None, left_out: Counter[str]) -> list[Moment]:
    """An activation for the first decision of a visitor for each variation it was shown."""
    first: dict[tuple[str, str, str], Moment] = {}
    for row in sorted(journal.decisions, key=lambda row: (row["timestamp"] or 0, row["number"])):
        if visitors is not None and row["visitor_id"] not in visitors:
            continue
        names = _names(row, journal)
        if names is None or row["timestamp"] is None:
            left_out["decision"] += 1
            continue
        key = (str(row["visitor_id"]), *names)
        attributes = {
            item["key"]: item["value"]
            for item in row["attributes"]
            if isinstance(item.get("key"), str) and item["key"] != "$opt_bot_filtering"
        }
        step: dict[str, Any] = {"user": key[0], "experiment": names[0], "variation": names[1]}
        if attributes:
            step["attributes"] = attributes
        first.setdefault(key, Moment(row["timestamp"], {"activate": step}, fixed=True, visitor=key[0]))
    return list(first.values())


def _names(row: Mapping[str, Any], journal: Journal) -> tuple[str, str] | None:
    """Experiment and variation by their keys, where the SDK can be made to decide so: in a running experiment."""
    if row["holdback"] or row["problems"] or not row["visitor_id"]:
        return None
    held = [datafile for at, datafile in journal.datafiles if at <= (row["timestamp"] or 0)]
    datafile = Datafile(held[-1] if held else journal.datafiles[0][1])
    experiment = datafile.experiment_by_id(row["experiment_id"])
    if experiment is None or experiment.kind != "experiment" or not is_running(experiment):
        return None
    variation = experiment.variation(row["variation_id"]) or experiment.variation_by_key(
        row.get("variation_key")
    )
    return (experiment.key, variation.key) if variation else None


def _source_events(
    chosen: Sequence[Mapping[str, Any]], journal: Journal, recording: Recording, left_out: Counter[str]
) -> list[Moment]:
    suppressed: set[str] = set()
    moments: list[Moment] = []
    lost = {str(row["user_id"]) for row in chosen if row["outcome"] == "suppressed_user"}
    # A duplicate may be reported before the event it repeats, when both came in one batch.
    for row in duplicates_last(chosen):
        delivery = row["delivery"]
        if delivery is None:
            left_out["conversion"] += 1
            continue
        event, at = delivery["source_event"], delivery["received_at"] or row["timestamp"] or 0
        kind = delivery["type"]
        if kind == "delete":
            user = str(row["user_id"])
            regulation = "SUPPRESS_WITH_DELETE" if user in lost else "DELETE_ONLY"
            recording.needs_token |= any(request["to"] == "privacy" for request in delivery["requests"])
            suppressed.add(user)
            moments.append(Moment(at, {"delete": {"userId": user, "regulation": regulation}}, verdict=row))
            continue
        if kind not in CALL_FIELDS or (kind != "track" and row["outcome"] == "not_subscribed"):
            left_out[f"{kind} call"] += 1
            continue
        if row["outcome"] == "suppressed_user" and str(row["user_id"]) not in suppressed:
            suppressed.add(str(row["user_id"]))
            moments.append(
                Moment(at, {"delete": {"userId": str(row["user_id"]), "regulation": "SUPPRESS_ONLY"}})
            )
        elif row["outcome"] != "suppressed_user" and str(row["user_id"]) in suppressed & lost:
            suppressed.discard(str(row["user_id"]))
            moments.append(
                Moment(at, {"delete": {"userId": str(row["user_id"]), "regulation": "UNSUPPRESS"}})
            )
        moments += [Moment(at, step) for step in _trouble(row)]
        step = {kind: _call(kind, event, whole_context=journal.mappings is not None)}
        moments.append(Moment(at, step, verdict=row, visitor=row["visitor_id"], event_at=row["timestamp"]))
        if row["outcome"] == "project_deactivated":
            moments.append(Moment(at, {"datafile": {"deactivated": False}}))
    return moments


def _call(kind: str, event: Mapping[str, Any], *, whole_context: bool) -> dict[str, Any]:
    """The call with every id and time written out, so that nothing is left to the source's memory."""
    step: dict[str, Any] = {key: event[key] for key in CALL_FIELDS[kind] if key in event}
    if kind == "track" and "event" not in event:
        step["event"] = _ABSENT
    step |= {key: event.get(key, _ABSENT) for key in _EXPLICIT}
    context = event.get("context")
    if isinstance(context, dict) and not whole_context:
        context = {"traits": context["traits"]} if "traits" in context else {}
    if context or not isinstance(context, dict | None):
        step["context"] = context
    if event.get("integrations"):
        step["integrations"] = event["integrations"]
    return step


def _trouble(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Faults that make the requests of a delivery fail as they did before one went through, or all failed."""
    if row["outcome"] == "project_deactivated":
        return [{"datafile": {"deactivated": True}}]
    faults: dict[tuple[str, Any, Any], int] = {}
    for request in row["delivery"]["requests"]:
        status = request.get("status")
        if status is None:
            kind = "hang_up" if "hang up" in str(request.get("error")) else "reset"
            faults[request["to"], "break", kind] = faults.get((request["to"], "break", kind), 0) + 1
        elif status >= 400:
            faults[request["to"], "status", status] = faults.get((request["to"], "status", status), 0) + 1
    return [{"fault": {"on": on, how: what, "times": times}} for (on, how, what), times in faults.items()]


def _expected(verdict: Mapping[str, Any], *, with_time: bool) -> dict[str, Any]:
    expected = outline(verdict)
    if verdict["visitor_id"] is not None:
        expected["visitor_id"] = verdict["visitor_id"]
    if verdict["outcome"] == "invalid_payload":
        expected["details"] = verdict["details"]
    sent = [request["json"] for request in verdict["delivery"]["requests"] if request["to"] == "events"]
    if sent:
        expected["sent"] = {"visitors": [_sent(visitor, with_time) for visitor in sent[0]["visitors"]]}
    return expected


def _sent(visitor: Mapping[str, Any], with_time: bool) -> dict[str, Any]:
    wanted = ("key", "uuid", *(("timestamp",) if with_time else ()), "revenue", "value", "tags")
    snapshots = [
        {"events": [{key: event[key] for key in wanted if key in event} for event in snapshot["events"]]}
        for snapshot in visitor["snapshots"]
    ]
    attributes = [{"key": item["key"], "value": item["value"]} for item in visitor.get("attributes") or []]
    return {"visitor_id": visitor["visitor_id"], "attributes": attributes, "snapshots": snapshots}


def _results(experiments: Mapping[str, Any]) -> dict[str, Any]:
    """The variations that somebody was seen in, with the metrics that moved."""
    counted: dict[str, Any] = {}
    for key, experiment in experiments.items():
        for name, variation in experiment["variations"].items():
            metrics = {event: counts for event, counts in variation["metrics"].items() if counts["total"]}
            if variation["visitors"] or metrics:
                counted.setdefault(key, {})[name] = {"visitors": variation["visitors"], **metrics}
    return counted


def _sentence(kind: str, count: int) -> str:
    many = "" if count == 1 else "s"
    reasons = {
        "conversion": "which an SDK sent and no source event",
        "decision": "which the SDK cannot be made to take again (a holdback, a delivery, a holdout, a paused experiment)",
    }
    return f"{count} {kind}{many}, {reasons.get(kind, 'which no mapping takes')}"
