"""The whole pre-flight: checks of each event and of all events together; its result is the report document."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from optilocal.emulator.datafile.datafile import Datafile, Experiment, is_running
from optilocal.emulator.datafile.nearest import nearest
from optilocal.emulator.datafile.sdk_demands import datafile_notes
from optilocal.emulator.wording import joined, listed, plural, quoted
from optilocal.scenarios.check.event_checks import EventChecks
from optilocal.scenarios.check.findings import Findings
from optilocal.scenarios.check.judge import Destination, Judged
from optilocal.scenarios.check.tracked import Place, Reading, Tracked

VERSION = 1
_SHOWN_PLACES = 20
_NOTE_REMEDIES = {
    "unknown_status": "Write the status as Optimizely does; nothing counts for a rule that is not Running.",
    "python_sdk_refuses": "Write it as the datafile on Optimizely's CDN has it, if Python decides with this datafile.",
}


@dataclass(slots=True)
class _Row:
    """One event name with the key it is mapped to."""

    name: str
    key: str | None
    seen: int = 0
    sent: int = 0
    places: list[Place] = field(default_factory=list)
    fractions: int = 0
    whole: list[Place] = field(default_factory=list)

    def note(self, tracked: Tracked, judged: Judged) -> None:
        self.seen += 1
        self.sent += judged.outcome == "sent"
        if len(self.places) < _SHOWN_PLACES and tracked.place not in self.places:
            self.places.append(tracked.place)
        properties = tracked.event.get("properties")
        revenue = properties.get("revenue") if isinstance(properties, dict) else None
        if isinstance(revenue, float) and not revenue.is_integer():
            self.fractions += 1
        elif isinstance(revenue, int | float) and not isinstance(revenue, bool) and revenue:
            self.whole.append(tracked.place)


def preflight(
    datafile: Datafile, readings: Sequence[Reading], destination: Destination, *, source: str, now_ms: int
) -> dict[str, Any]:
    """The report: `{"version", "ok", "datafile", "read", "counts", "events", "metrics", "findings"}`.

    `source` names the datafile for people, `now_ms` (epoch milliseconds) is what future timestamps are measured by.
    """
    findings = Findings()
    for note in datafile_notes(datafile.raw):
        findings.worth_knowing(note["code"], None, None, f"{note['message']}.", _NOTE_REMEDIES[note["code"]])
    for mapping, written in destination.odd_triggers([event.key for event in datafile.events]):
        findings.worth_knowing(
            "odd_trigger",
            None,
            None,
            f"The trigger of {quoted(mapping)} is surely not meant like this: {written}.",
            "Write it as Segment's triggers are written; docs/segment.md has the dialect.",
        )
    checks = EventChecks(datafile, destination, findings, now_ms)
    rows: dict[tuple[str, str | None], _Row] = {}
    passed_over: dict[str, int] = {}
    for reading in readings:
        for kind, count in reading.passed_over.items():
            passed_over[kind] = passed_over.get(kind, 0) + count
        for tracked in reading.tracked:
            judged = checks.check(tracked)
            kind = tracked.event.get("type", "track")
            if judged.outcome == "not_subscribed" and kind != "track":
                name = kind if isinstance(kind, str) else "other"
                passed_over[name] = passed_over.get(name, 0) + 1
                continue
            key = judged.event_key
            rows.setdefault((tracked.name, key), _Row(tracked.name, key)).note(tracked, judged)
    _one_revenue_unit(rows.values(), checks)  # type: ignore[arg-type]
    _repeated_ids(readings, findings)
    _unclear(readings, findings)
    _identify_traits(datafile, readings, findings)
    metrics = _metrics(datafile, {row.key or row.name for row in rows.values()}, findings)
    events = [
        _event(row, checks)
        for row in sorted(rows.values(), key=lambda row: (row.name.casefold(), row.key or ""))
    ]
    ordered = findings.all()
    never = sum(1 for finding in ordered if finding.severity == "never_counts")
    return {
        "version": VERSION,
        "ok": never == 0,
        "datafile": {
            "source": source,
            "revision": datafile.revision,
            "sdkKey": datafile.sdk_key,
            "projectId": datafile.project_id,
            "accountId": datafile.account_id,
            "environment": datafile.environment,
        },
        "read": [
            {
                "source": reading.source,
                "kind": reading.origin,
                "events": len(reading.tracked),
                "unclear": len(reading.unclear),
            }
            for reading in readings
        ],
        "passed_over": passed_over,
        "counts": {
            "events": len(events),
            "counting": sum(1 for event in events if event["verdict"] == "counts"),
            "never_counts": never,
            "worth_knowing": len(ordered) - never,
        },
        "events": events,
        "metrics": metrics,
        "findings": [finding.as_json() for finding in ordered],
    }


def _event(row: _Row, checks: EventChecks) -> dict[str, Any]:
    experiments = checks.experiments(row.key) if row.key is not None else ()
    counting = row.sent if any(map(is_running, experiments)) else 0
    return {
        "event": row.name,
        "event_key": row.key,
        "verdict": "counts" if counting == row.seen else "partly" if counting else "never_counts",
        "seen": row.seen,
        "counting": counting,
        "experiments": [_experiment(experiment) for experiment in experiments] if row.sent else [],
        "places": [place.as_json() for place in row.places],
    }


def _experiment(experiment: Experiment) -> dict[str, Any]:
    return {"experiment": experiment.key, "status": experiment.status, "running": is_running(experiment)}


def _one_revenue_unit(rows: Sequence[_Row], checks: EventChecks) -> None:
    """An event whose revenue has fractions now and then has its whole numbers in the same unit."""
    for row in rows:
        if row.fractions:
            for place in row.whole:
                checks.revenue_in_currency_units(
                    row.name, place, f"{plural(row.fractions, 'other event')} has a fraction"
                )


def _repeated_ids(readings: Sequence[Reading], findings: Findings) -> None:
    seen: set[str] = set()
    for reading in readings:
        for tracked in reading.tracked:
            message_id = tracked.event.get("messageId")
            if not isinstance(message_id, str) or not message_id:
                continue
            if message_id in seen:
                findings.worth_knowing(
                    "duplicate", tracked.name, tracked.place,
                    "Its messageId was recorded before; of several events with one messageId only the first counts.",
                    "Give every event its own messageId, or let Segment's library do it.",
                )  # fmt: skip
            seen.add(message_id)


def _unclear(readings: Sequence[Reading], findings: Findings) -> None:
    for reading in readings:
        for place, _ in reading.unclear:
            findings.worth_knowing(
                "name_not_written_out", None, place,
                "A track call's event name is put together when the program runs, so it was not checked.",
                "Give the names it can have in a list of names, a tracking plan, or recorded events.",
            )  # fmt: skip


def _identify_traits(datafile: Datafile, readings: Sequence[Reading], findings: Findings) -> None:
    on_tracks: set[str] = set()
    for reading in readings:
        for tracked in reading.tracked:
            if tracked.planned is not None:
                on_tracks.update(tracked.planned.traits)
            context = tracked.event.get("context")
            traits = (
                context.get("traits")
                if isinstance(context, dict) and tracked.event.get("type") == "track"
                else None
            )
            on_tracks.update(traits if isinstance(traits, dict) else ())
    for reading in readings:
        for trait, place in reading.identify_traits.items():
            if trait in datafile.attribute_keys and trait not in on_tracks:
                findings.worth_knowing(
                    "identify_traits_unused", None, place,
                    f"The attribute {quoted(trait)} is set by identify only; Segment adds nothing of that to track calls.",
                    "Send it in the context.traits of every track call.",
                )  # fmt: skip


def _metrics(datafile: Datafile, sent: set[str], findings: Findings) -> list[dict[str, Any]]:
    """Every metric of a running experiment; what nothing sends is a finding."""
    rows: list[dict[str, Any]] = []
    waiting: dict[str, list[str]] = {}
    for experiment in datafile.experiments:
        for event in datafile.metrics.get(experiment.id, ()) if is_running(experiment) else ():
            rows.append({"experiment": experiment.key, "event": event.key, "tracked": event.key in sent})
            if event.key not in sent:
                waiting.setdefault(event.key, []).append(experiment.key)
    for key, experiments in waiting.items():
        near = tuple(nearest(key, sorted(sent)))
        hint = f" What is tracked is {joined([quoted(each.name) for each in near], 'or')}." if near else ""
        findings.worth_knowing(
            "metric_never_sent", key, None,
            f"Nothing here sends {quoted(key)}, a metric of the running {listed(experiments)}, which stays at zero.{hint}",
            "Track it under exactly this key, or give the other files that track it to --events too.", nearest=near,
        )  # fmt: skip
    return rows
