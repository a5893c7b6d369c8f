"""Schema controls: what a source lets through of events that its tracking plan does not plan, or that violate it.

The settings are the Public API's (https://docs.segmentapis.com/tag/Sources, `SourceSettingsOutputV1`), what they do is in
https://segment.com/docs/protocols/enforce/schema-configuration/: the standard controls first, then the plan's common JSON
schema for what is left. Assumed, as no page says it: what is allowed where a setting is not given; unplanned properties go
before violations are looked for; of a violation further in, the property at the top that holds it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from optilocal.forwarder.stages.plan import Rule, TrackingPlan, read_plan
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, Looked
from optilocal.forwarder.stages.violations import SchemaViolation, schema_problem

_TRACK: Final = (
    "allowUnplannedEvents",
    "allowUnplannedEventProperties",
    "allowEventOnViolations",
    "allowPropertiesOnViolations",
)
_TRAITS: Final = ("allowUnplannedTraits", "allowTraitsOnViolations")
_FORWARDING: Final = ("forwardingViolationsTo", "forwardingBlockedEventsTo")
_COMMON: Final = {
    "track": ("ALLOW", "BLOCK", "OMIT_PROPERTIES"),
    "identify": ("ALLOW", "BLOCK", "OMIT_TRAITS"),
    "group": ("ALLOW", "BLOCK", "OMIT_TRAITS"),
}


@dataclass(frozen=True)
class Controls:
    """What is allowed of one type of call. `events` concerns track alone."""

    unplanned_events: bool = True
    unplanned_fields: bool = True
    event_on_violations: bool = True
    fields_on_violations: bool = True
    common: str = "ALLOW"


EVERYTHING: Final = Controls()
"""What holds for a type of call without settings: all is allowed."""


@dataclass(frozen=True)
class SchemaControls:
    """A source's plan and settings. `blocked` has what a source without a plan drops: names of track events, and `page`
    or `screen` for all calls of that type. `settings` are as they were given.
    """

    plan: TrackingPlan | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    controls: Mapping[str, Controls] = field(default_factory=dict)
    blocked: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is configured."""
        return self.plan is not None or bool(self.blocked)

    def as_json(self) -> dict[str, Any]:
        """`{"plan", "settings", "blockedEvents"}`, each where it is given."""
        shown: dict[str, Any] = {} if self.plan is None else {"plan": self.plan.raw}
        if self.settings:
            shown["settings"] = dict(self.settings)
        return {**shown, "blockedEvents": dict(self.blocked)} if self.blocked else shown


def read_schema(configured: Any) -> SchemaControls:
    """`{"plan", "settings", "blockedEvents"}` from JSON; whether the plan's rules are JSON schema is for `check_plan`.
    Raises `ShapeError`.
    """
    shape = Shape(configured, "schema")
    shape.only(("plan", "settings", "blockedEvents"))
    plan = None
    if shape.value.get("plan") is not None:
        plan = read_plan(shape.value["plan"])
        if plan is None:
            shape.refuse("plan", "this is no tracking plan: it has no rules [{type, key, jsonSchema}]")
    settings = shape.inside("settings", shape.value.get("settings") or {})
    controls = _read_settings(settings)
    blocked = _read_blocked(shape)
    if blocked and plan is not None:
        shape.refuse(
            "blockedEvents", "a source with a tracking plan has no blocked events; use the plan's settings"
        )
    if settings.value and plan is None and shape.value.get("plan") is None:
        shape.refuse(
            "settings", "these settings compare events with a tracking plan, and none is given: add plan"
        )
    shape.done()
    return SchemaControls(plan, dict(settings.value), controls, blocked)


def check_plan(plan: TrackingPlan) -> None:
    """Whether every rule of a plan is JSON schema, which takes a moment. Raises `ShapeError` with each that is not."""
    shape = Shape({}, "schema.plan")
    for position, rule in enumerate(plan.rules):
        problem = schema_problem(rule.schema)
        if problem is not None:
            name = repr(rule.key) if rule.key is not None else rule.kind
            shape.refuse(
                f"rules[{position}].jsonSchema", f"the rule {name} is not JSON schema, draft 7: {problem}"
            )
    shape.done()


def _read_settings(shape: Shape) -> dict[str, Controls]:
    shape.only((*_COMMON, *_FORWARDING))
    for name in _FORWARDING:
        shape.text(name)
    found = {}
    for kind, common in _COMMON.items():
        if shape.value.get(kind) is None:
            continue
        part = shape.inside(kind, shape.value[kind])
        names = _TRACK if kind == "track" else _TRAITS
        part.only((*names, "commonEventOnViolations"))
        allowed = {name: part.boolean(name, default=True) for name in names}
        on_common = part.one_of("commonEventOnViolations", common) or "ALLOW"
        if kind == "track":
            events, fields, on_violations, violating = (allowed[name] for name in names)
            found[kind] = Controls(events, fields, on_violations, violating, on_common)
        else:
            fields, violating = (allowed[name] for name in names)
            found[kind] = Controls(True, fields, True, violating, on_common)
    return found


def _read_blocked(shape: Shape) -> dict[str, Any]:
    if shape.value.get("blockedEvents") is None:
        return {}
    part = shape.inside("blockedEvents", shape.value["blockedEvents"])
    part.only(("track", "page", "screen"))
    found: dict[str, Any] = {"track": list(part.texts("track"))} if "track" in part.value else {}
    return found | {
        name: part.boolean(name, default=False) for name in ("page", "screen") if name in part.value
    }


def look(schema: SchemaControls, event: Event) -> Looked:
    """What the source's schema controls make of an event."""
    kind = event.get("type")
    if schema.plan is None:
        return _blocked(schema, event, kind)
    controls = schema.controls.get(kind, EVERYTHING) if isinstance(kind, str) else EVERYTHING
    if kind == "track":
        context = event.get("context")
        protocols = context.get("protocols") if isinstance(context, dict) else None
        version = protocols.get("event_version") if isinstance(protocols, dict) else None
        rule = schema.plan.event(event.get("event"), version)
        if rule is None and not controls.unplanned_events:
            return _unplanned(schema.plan, event)
    else:
        rule = schema.plan.of_kind(str(kind).upper())
    return _Controlled(schema.plan, controls, event, kind).through(rule)


def _blocked(schema: SchemaControls, event: Event, kind: Any) -> Looked:
    if kind == "track":
        name = event.get("event")
        hit = name in schema.blocked.get("track", ())
        why = f"the source's schema blocks the event {name!r}"
    else:
        hit = kind in ("page", "screen") and schema.blocked.get(kind, False)
        why = f"the source's schema blocks all {kind} calls"
    if not hit:
        return Looked(event)
    return Looked(event, ended=Ended("blocked_by_schema", "event_setting", (why,)))


def _unplanned(plan: TrackingPlan, event: Event) -> Looked:
    name = str(event.get("event"))
    near = plan.near(name)
    details = [f"the tracking plan has no event {name!r}"]
    if near:
        details[0] += f"; names count to the letter, and it has {', '.join(map(repr, near))}"
    violations = _common_violations(plan, event)
    details += [one.told for one in violations]
    code = "unplanned_and_schema_violation" if violations else "unplanned"
    return Looked(event, ended=Ended("blocked_by_schema", code, tuple(details), nearest=near))


def _common_violations(plan: TrackingPlan, event: Event) -> list[SchemaViolation]:
    common = plan.of_kind("COMMON")
    return common.validator.violations(event) if common is not None else []


class _Controlled:
    """One event on its way through standard controls and common schema."""

    def __init__(self, plan: TrackingPlan, controls: Controls, event: Event, kind: Any) -> None:
        self._plan = plan
        self._controls = controls
        self._event = event
        self._kind = kind
        self._noun = "traits" if kind in ("identify", "group") else "properties"
        self._omitted: list[str] = []
        self._omitted_on_violation: list[str] = []
        self._violations: list[SchemaViolation] = []

    def through(self, rule: Rule | None) -> Looked:
        # An unplanned track event that is let through is not looked at further; calls of a type with settings are, with
        # nothing planned for them, when the plan has no rule.
        if self._kind in ("identify", "group") and rule is None:
            rule = Rule(str(self._kind).upper(), None, {})
        if rule is not None:
            self._omit_unplanned(rule)
            found = rule.validator.violations(self._event)
            if found and not self._controls.event_on_violations:
                return self._ended("schema_violation", found)
            self._note(found, omitting=not self._controls.fields_on_violations)
        found = _common_violations(self._plan, self._event)
        if found and self._controls.common == "BLOCK":
            return self._ended("common_schema_violation", found)
        self._note(found, omitting=self._controls.common.startswith("OMIT"))
        return Looked(self._with_protocols(), self._changes(), warnings=self._warnings())

    def _ended(self, code: str, found: list[SchemaViolation]) -> Looked:
        details = tuple(one.told for one in found)
        return Looked(self._event, self._changes(), Ended("blocked_by_schema", code, details))

    def _omit_unplanned(self, rule: Rule) -> None:
        held = self._event.get(rule.holder)
        if self._controls.unplanned_fields or not isinstance(held, dict):
            return
        unplanned = [name for name in held if not rule.is_planned(name)]
        self._omitted += unplanned
        self._omit(unplanned)

    def _note(self, found: list[SchemaViolation], *, omitting: bool) -> None:
        self._violations += found
        if omitting:
            held = self._event.get(self._noun)
            named = [name for one in found if one.holder == self._noun for name in one.names]
            gone = [name for name in dict.fromkeys(named) if isinstance(held, dict) and name in held]
            self._omitted_on_violation += gone
            self._omit(gone)

    def _omit(self, names: list[str]) -> None:
        if names:
            left = {name: value for name, value in self._event[self._noun].items() if name not in names}
            self._event = {**self._event, self._noun: left}

    def _with_protocols(self) -> Event:
        """The event with what was taken out of it, as Segment notes it in `context.protocols`
        (https://segment.com/docs/protocols/enforce/forward-blocked-events/).
        """
        if not self._omitted and not self._omitted_on_violation:
            return self._event
        given = self._event.get("context")
        context = given if isinstance(given, dict) else {}
        before = context.get("protocols")
        protocols: dict[str, Any] = dict(before) if isinstance(before, dict) else {}
        if self._omitted:
            protocols["omitted"] = self._omitted
        if self._omitted_on_violation:
            protocols["omitted_on_violation"] = self._omitted_on_violation
        if self._violations:
            protocols["violations"] = [one.as_json() for one in self._violations]
        return {**self._event, "context": {**context, "protocols": protocols}}

    def _changes(self) -> tuple[str, ...]:
        changes = []
        if self._omitted:
            changes.append(f"omits the unplanned {self._noun} {', '.join(self._omitted)}")
        if self._omitted_on_violation:
            changes.append(
                f"omits the {self._noun} {', '.join(self._omitted_on_violation)}, which violate the plan's schema"
            )
        return tuple(changes)

    def _warnings(self) -> tuple[dict[str, str], ...]:
        gone = set(self._omitted_on_violation)
        return tuple(
            {
                "code": "violates_tracking_plan",
                "message": f"the tracking plan is violated, and the source lets it pass: {one.told}",
            }
            for one in self._violations
            if not gone.intersection(one.names)
        )
