"""The checks of one tracked event: its key, its experiments, its visitor, traits, revenue and time."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from optilocal.emulator.batch.fields import EVENT_PROPERTIES
from optilocal.emulator.datafile.datafile import Datafile, Experiment, is_running
from optilocal.emulator.datafile.nearest import fold, nearest
from optilocal.emulator.verdict.revenue_warnings import SUMS
from optilocal.emulator.wording import joined, listed, quoted, when
from optilocal.scenarios.check.findings import Findings
from optilocal.scenarios.check.judge import Destination, Judged
from optilocal.scenarios.check.tracked import Place, Tracked

_EARLIEST_MS = 1_262_304_000_000
_DAY_MS = 86_400_000


BEFORE_MAPPINGS = {
    "blocked_by_schema": (
        "blocked by the source's schema controls",
        "Send it as the tracking plan asks, or correct the plan or the source's settings.",
    ),
    "consent_refused": (
        "refused by its own consent",
        "Send it with every category of this destination set to true once the user consents.",
    ),
    "filtered": (
        "dropped by a filter or transformation",
        "Change the condition of the filter or transformation, or disable it.",
    ),
}
"""Outcomes before the mappings: how a sentence names the stage, and what to do."""


class EventChecks:
    """Checks tracked events against one datafile; what it finds joins `findings`."""

    def __init__(self, datafile: Datafile, destination: Destination, findings: Findings, now_ms: int) -> None:
        self._datafile, self._destination, self._findings, self._now = datafile, destination, findings, now_ms
        self._revenue_places: set[Place] = set()
        # The same few wrong names come again and again in recorded events.
        self._nearest_event = lru_cache(10_000)(lambda key: tuple(datafile.nearest_events(key)))
        self._nearest_attribute = lru_cache(10_000)(lambda key: tuple(nearest(key, datafile.attribute_keys)))

    def check(self, tracked: Tracked) -> Judged:
        """Check one event; what Segment would do with it."""
        if tracked.origin == "recorded events":
            judged = self._destination.judge(tracked.event)
            if judged.outcome == "not_subscribed" and tracked.event.get("type") != "track":
                return judged
        else:
            judged = self._destination.judge_name(tracked.name, tracked.event)
        if judged.outcome in BEFORE_MAPPINGS:
            self._blocked(tracked, judged)
        elif judged.outcome == "not_subscribed":
            self._not_subscribed(tracked, judged)
        elif judged.outcome == "invalid_payload":
            self._refused(tracked, judged.details)
        elif judged.outcome == "unmatched_event_key":
            self._unmatched(tracked, judged)
        else:
            self._experiments(tracked, judged.event_key or "")
            self._time(tracked, judged)
        if judged.outcome not in ("not_subscribed", *BEFORE_MAPPINGS):
            self._traits(tracked, judged)
        if tracked.planned is not None:
            self._planned(tracked)
            if judged.outcome == "sent":
                self._planned_tags(tracked, tracked.planned.nested)
        if tracked.origin == "recorded events" and judged.outcome == "sent":
            self._visitor(tracked)
            self._revenue(tracked, judged)
            self._tags(tracked, judged)
        return judged

    def experiments(self, key: str) -> tuple[Experiment, ...]:
        """The experiments that have the event of this key as a metric."""
        event = self._datafile.event(key)
        return self._datafile.experiments_with_metric(event.id) if event else ()

    def _blocked(self, tracked: Tracked, judged: Judged) -> None:
        stage, remedy = BEFORE_MAPPINGS[judged.outcome]
        code = f" Segment's discard code is {judged.code}." if judged.code else ""
        if judged.nearest:
            remedy = f"Track it as {listed(judged.nearest, 'or')}, as the tracking plan has it, or add it to the plan."
        self._findings.never_counts(
            judged.outcome, tracked.name or None, tracked.place,
            f"This event would be {stage}: {'; '.join(judged.details)}.{code}",
            remedy,
        )  # fmt: skip

    def _not_subscribed(self, tracked: Tracked, judged: Judged) -> None:
        self._findings.never_counts(
            "not_subscribed", tracked.name, tracked.place,
            f"Segment does not send it: {judged.details[0]}.",
            "Change the mapping's trigger, or what the event's integrations object says, so that this event goes through.",
        )  # fmt: skip

    def _refused(self, tracked: Tracked, details: tuple[str, ...]) -> None:
        remedies = [_remedy(detail) for detail in details]
        self._findings.never_counts(
            "invalid_payload", tracked.name or None, tracked.place,
            f"Segment refuses the whole event: {' '.join(details)}",
            " ".join(dict.fromkeys(remedies)),
        )  # fmt: skip

    def _unmatched(self, tracked: Tracked, judged: Judged) -> None:
        key = judged.event_key or tracked.name
        near = self._nearest_event(key)
        hint = f" The nearest is {quoted(near[0].name)}, which differs {near[0].difference}." if near else ""
        remedy = (
            f"Track it as {quoted(near[0].name)}, or map it to that event key."
            if near
            else f"Create an event with the key {quoted(key)} in Optimizely, or map this one to an event that exists."
        )
        message = f"No event in the datafile has exactly the key {quoted(key)}.{hint} Segment says: {judged.details[-1]}."
        self._findings.never_counts(
            "unmatched_event_key", tracked.name, tracked.place, message, remedy, nearest=near
        )

    def _experiments(self, tracked: Tracked, key: str) -> None:
        experiments = self.experiments(key)
        event = self._datafile.event(key)
        named = event.experiment_ids if event else ()
        left_out = [id_ for id_ in named if self._datafile.experiment_by_id(id_) is None]
        if not experiments and left_out:
            which = f"{'experiment' if len(left_out) == 1 else 'experiments'} {listed(left_out)}"
            self._findings.never_counts(
                "experiment_not_running", tracked.name, tracked.place,
                f"It is a metric of the {which}, which the datafile leaves out.",
                f"Start the {which} in this environment, or check against the datafile of the environment that has it: a "
                "datafile leaves out what is paused, concluded, archived or of another environment.",
            )  # fmt: skip
        elif not experiments:
            self._findings.never_counts(
                "no_experiment", tracked.name, tracked.place,
                f"The event {quoted(key)} is a metric of no experiment, so nothing counts it.",
                "Add it as a metric to the experiment it should count in.",
            )  # fmt: skip
        elif not any(map(is_running, experiments)):
            statuses = joined(
                [
                    f"{quoted(experiment.key)} is {experiment.status or 'without a status'}"
                    for experiment in experiments
                ]
            )
            self._findings.never_counts(
                "experiment_not_running", tracked.name, tracked.place,
                f"No experiment that has it as a metric is running: {statuses}.",
                f"Start {listed((experiment.key for experiment in experiments), 'or')}, or add the event to one that runs.",
            )  # fmt: skip

    def _traits(self, tracked: Tracked, judged: Judged) -> None:
        attributes = judged.payload.get("attributes")
        for key, value in attributes.items() if isinstance(attributes, dict) else ():
            if value is not None:
                scalar = isinstance(value, str | int | float)
                self._trait(
                    tracked, key, None if scalar else "an object" if isinstance(value, dict) else "a list"
                )

    def _trait(self, tracked: Tracked, key: str, unfit: str | None) -> None:
        if key not in self._datafile.attribute_keys:
            near = self._nearest_attribute(key)
            hint = (
                f" The nearest is {quoted(near[0].name)}, which differs {near[0].difference}." if near else ""
            )
            remedy = (
                f"Send it as {quoted(near[0].name)}"
                if near
                else f"Create the attribute {quoted(key)} in Optimizely"
            )
            self._findings.worth_knowing(
                "attribute_not_in_datafile", tracked.name, tracked.place,
                f"The trait {quoted(key)} is not an attribute of the datafile and is dropped.{hint}",
                f"{remedy} if results should be segmented by it.", nearest=near,
            )  # fmt: skip
        elif unfit:
            self._findings.worth_knowing(
                "non_scalar_trait", tracked.name, tracked.place,
                f"The trait {quoted(key)} is {unfit} and is dropped: only text, numbers, true and false are sent.",
                "Send a plain value.",
            )  # fmt: skip

    def _planned(self, tracked: Tracked) -> None:
        assert tracked.planned is not None
        for key, types in tracked.planned.traits.items():
            unfit = {"object": "an object", "array": "a list"}
            fits = not types or any(name not in unfit for name in types)
            self._trait(tracked, key, None if fits else unfit[types[0]])
        if tracked.planned.top_traits:
            self._findings.worth_knowing(
                "traits_ignored", tracked.name, tracked.place,
                f"The plan has {listed(tracked.planned.top_traits)} in the call's own traits, which nothing reads.",
                "Send them in context.traits.",
            )  # fmt: skip
        self._planned_revenue(tracked, tracked.planned.revenue)

    def _planned_revenue(self, tracked: Tracked, types: tuple[str, ...]) -> None:
        if not types or types == ("integer",):
            return
        probes: dict[str, Any] = {"number": 19.99, "string": "19.99", "object": {}, "array": [{}]}
        refused = []
        for name in types:
            if name in probes:
                event = {"properties": {"revenue": probes[name]}}
                refused += [
                    detail
                    for detail in self._destination.judge_name(tracked.name, event).details
                    if "Revenue" in detail
                ]
        if not refused:
            return
        if all(name in ("object", "array") for name in types):
            self._refused(tracked, tuple(dict.fromkeys(refused)))
            return
        self._findings.worth_knowing(
            "revenue_may_be_refused", tracked.name, tracked.place,
            f"The plan allows revenue as {joined(types, 'or')}. Of a price such as 19.99 Segment says "
            f"{' '.join(dict.fromkeys(refused))} and the whole event is lost.",
            "Plan revenue as an integer, in hundredths of the currency: 1999 for 19.99.",
        )  # fmt: skip

    def _visitor(self, tracked: Tracked) -> None:
        if tracked.event.get("userId") is None and tracked.event.get("anonymousId") is not None:
            self._findings.worth_knowing(
                "counted_under_anonymous_id", tracked.name, tracked.place,
                "It has no userId, so the visitor is its anonymousId.",
                "It counts only if Optimizely decided for that anonymousId too; else send the userId of the decision.",
            )  # fmt: skip

    def _tags(self, tracked: Tracked, judged: Judged) -> None:
        tags = judged.payload.get("eventTags")
        if not isinstance(tags, dict):
            return
        nested = _nested(tags)
        if nested:
            self._findings.worth_knowing(
                "nested_tag", tracked.name, tracked.place,
                f"Its properties {listed(nested)} are arrays or objects, and Optimizely may drop the whole event for them.",
                _FLATTEN,
            )  # fmt: skip
        sums = [name for name in tags if fold(name) in SUMS and _number(tags[name]) is not None]
        if sums and judged.payload.get("revenue") is None:
            self._findings.worth_knowing(
                "revenue_under_other_name", tracked.name, tracked.place,
                f"It has no revenue, but a property {quoted(sums[0])}, which nobody reads as revenue.",
                "If that is its revenue, send it as revenue in cents, or map revenue to it.",
            )  # fmt: skip

    def _planned_tags(self, tracked: Tracked, properties: Mapping[str, Any]) -> None:
        """What becomes of planned arrays and objects by the mappings, which may flatten them or leave them out."""
        planned = self._destination.judge_name(tracked.name, {"properties": dict(properties)})
        tags = planned.payload.get("eventTags")
        nested = _nested(tags) if planned.outcome == "sent" and isinstance(tags, dict) else []
        if nested:
            self._findings.worth_knowing(
                "nested_tag", tracked.name, tracked.place,
                f"The plan allows arrays or objects as {listed(nested)}, and Optimizely may drop the whole event for them.",
                _FLATTEN,
            )  # fmt: skip

    def _revenue(self, tracked: Tracked, judged: Judged) -> None:
        revenue, properties = judged.payload.get("revenue"), tracked.event.get("properties")
        if not isinstance(properties, dict) or not isinstance(revenue, int) or isinstance(revenue, bool):
            return
        sent = properties.get("revenue")
        if isinstance(sent, str | bool | list):
            self._findings.worth_knowing(
                "revenue_coerced", tracked.name, tracked.place,
                f"Its revenue is {'a text' if isinstance(sent, str) else 'not a number'} and is read as a number.",
                "Send a number: a text with a fraction loses the whole event.",
            )  # fmt: skip
        same = [
            key
            for key in ("value", "total", "subtotal")
            if revenue and _number(properties.get(key)) == revenue
        ]
        if same:
            self.revenue_in_currency_units(
                tracked.name, tracked.place, f"properties.{same[0]} is the same number"
            )
            self._revenue_places.add(tracked.place)

    def revenue_in_currency_units(self, event: str, place: Place, sign: str) -> None:
        """Revenue that looks a hundred times too small; one finding for each event."""
        if place in self._revenue_places:
            return
        self._findings.worth_knowing(
            "revenue_not_in_cents", event, place,
            f"Its revenue looks like currency units ({sign}); Optimizely reads hundredths, so 20 counts as 0.20.",
            "Send revenue in whole cents: 2000 for 20.00.",
        )  # fmt: skip

    def _time(self, tracked: Tracked, judged: Judged) -> None:
        at = _timestamp(judged.sent)
        if (
            tracked.origin == "recorded events"
            and at is not None
            and not _EARLIEST_MS <= at <= self._now + _DAY_MS
        ):
            self._findings.worth_knowing(
                "odd_timestamp", tracked.name, tracked.place,
                f"Its timestamp {tracked.event.get('timestamp')!r} is read as {when(at)}.",
                "Send ISO 8601 with a zone, such as 2026-01-15T10:00:00.000Z, or epoch milliseconds as a number.",
            )  # fmt: skip


_FLATTEN = "Flatten them, or map only texts, numbers and booleans to event tags."
_REMEDIES = (
    ("Revenue must", "Send revenue in whole cents, as a number: 1999 for 19.99."),
    (
        "'userId'",
        "Send the userId that Optimizely decided for, or at least an anonymousId; an empty one is none.",
    ),
    ("'eventKey'", "Give the event a name."),
    ("'uuid'", "Send a messageId, or let Segment give the event one."),
    ("'timestamp'", "Send a timestamp, or let Segment give the event one."),
    ("Timestamp must", "Send ISO 8601, such as 2026-01-15T10:00:00.000Z, or epoch milliseconds as a number."),
    ("Value must", "Send value as a number."),
    ("Event Tags must", "Send properties as an object."),
    ("Event Attributes must", "Send context.traits as an object."),
)


def _remedy(detail: str) -> str:
    return next(
        (remedy for sign, remedy in _REMEDIES if sign in detail),
        "Change the event, or the mapping of this field.",
    )


def _nested(tags: Mapping[str, Any]) -> list[str]:
    """The names of tags that are arrays or objects, but for the one that Optimizely documents as an object."""
    return [
        name for name, value in tags.items() if isinstance(value, dict | list) and name != EVENT_PROPERTIES
    ]


def _timestamp(sent: Mapping[str, Any] | None) -> int | None:
    if sent is None:
        return None
    at = sent["visitors"][0]["snapshots"][0]["events"][0].get("timestamp")
    return int(at) if isinstance(at, int | float) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
