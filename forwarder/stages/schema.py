"""Schema controls: what a source does with events that its tracking plan does not have, or that violate the plan.

The settings are the Public API's (https://docs.segmentapis.com/tag/Sources, `SourceSettingsOutputV1`), what they do is
in https://segment.com/docs/protocols/enforce/schema-configuration/: the standard controls run first, then the plan's
common JSON schema on what is left. No page says the rest, so it is assumed: a setting that is not given allows;
unplanned properties are removed before violations are looked for; a violation in a nested property removes the
top-level property that holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from optilocal.forwarder.stages.plan import Rule, TrackingPlan, read_plan
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, StageResult
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
    """What is allowed for one type of call. `unplanned_events` is for track alone."""

    unplanned_events: bool = True
    unplanned_fields: bool = True
    event_on_violations: bool = True
    fields_on_violations: bool = True
    common: str = "ALLOW"


EVERYTHING: Final = Controls()
"""The controls of a type of call without settings: everything is allowed."""


@dataclass(frozen=True)
class SchemaControls:
    """A source's plan and settings. `blocked` has what a source without a plan drops: names of track events, and `page`
    or `screen` for all calls of that type. `settings` are as configured.
    """

    plan: TrackingPlan | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    controls: Mapping[str, Controls] = field(default_factory=dict)
    blocked: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is configured."""
        return self.plan is not None or bool(self.blocked)

    def as_json(self) -> dict[str, Any]:
        """`{"plan", "settings", "blockedEvents"}`, each where it is configured."""
        configured: dict[str, Any] = {} if self.plan is None else {"plan": self.plan.raw}
        if self.settings:
            configured["settings"] = dict(self.settings)
        return {**configured, "blockedEvents": dict(self.blocked)} if self.blocked else configured


def read_schema(configured: Any) -> SchemaControls:
    """`{"plan", "settings", "blockedEvents"}` from JSON. `check_plan` checks the plan's rules. Raises `ShapeError`."""
    shape = Shape(configured, "schema")
    shape.only(("plan", "settings", "blockedEvents"))
    plan = None
    if shape.value.get("plan") is not None:
        plan = read_plan(shape.value["plan"])
        if plan is None:
            shape.refuse("plan", "this is not a tracking plan: it has no rules [{type, key, jsonSchema}]")
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
    """Checks that every rule of a plan is valid JSON schema, which is slow. Raises `ShapeError` with each that is not."""
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
    controls = {}
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
            controls[kind] = Controls(events, fields, on_violations, violating, on_common)
        else:
            fields, violating = (allowed[name] for name in names)
            controls[kind] = Controls(True, fields, True, violating, on_common)
    return controls


def _read_blocked(shape: Shape) -> dict[str, Any]:
    if shape.value.get("blockedEvents") is None:
        return {}
    part = shape.inside("blockedEvents", shape.value["blockedEvents"])
    part.only(("track", "page", "screen"))
    blocked: dict[str, Any] = {"track": list(part.texts("track"))} if "track" in part.value else {}
    return blocked | {
        name: part.boolean(name, default=False) for name in ("page", "screen") if name in part.value
    }


def apply(schema: SchemaControls, event: Event) -> StageResult:
    """Applies the source's schema controls to an event."""
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
    return _Controlled(schema.plan, controls, event, kind).checked(rule)


def _blocked(schema: SchemaControls, event: Event, kind: Any) -> StageResult:
    if kind == "track":
        name = event.get("event")
        hit = name in schema.blocked.get("track", ())
        why = f"the source's schema blocks the event {name!r}"
    else:
        hit = kind in ("page", "screen") and schema.blocked.get(kind, False)
        why = f"the source's schema blocks all {kind} calls"
    if not hit:
        return StageResult(event)
    return StageResult(event, ended=Ended("blocked_by_schema", "event_setting", (why,)))


def _unplanned(plan: TrackingPlan, event: Event) -> StageResult:
    name = str(event.get("event"))
    near = plan.near(name)
    details = [f"the tracking plan has no event {name!r}"]
    if near:
        details[0] += f"; names must match exactly, and it has {', '.join(map(repr, near))}"
    violations = _common_violations(plan, event)
    details += [violation.sentence for violation in violations]
    code = "unplanned_and_schema_violation" if violations else "unplanned"
    return StageResult(event, ended=Ended("blocked_by_schema", code, tuple(details), nearest=near))


def _common_violations(plan: TrackingPlan, event: Event) -> list[SchemaViolation]:
    common = plan.of_kind("COMMON")
    return common.validator.violations(event) if common is not None else []


class _Controlled:
    """One event in the standard controls and the common schema."""

    def __init__(self, plan: TrackingPlan, controls: Controls, event: Event, kind: Any) -> None:
        self._plan = plan
        self._controls = controls
        self._event = event
        self._kind = kind
        self._noun = "traits" if kind in ("identify", "group") else "properties"
        self._omitted: list[str] = []
        self._omitted_on_violation: list[str] = []
        self._violations: list[SchemaViolation] = []

    def checked(self, rule: Rule | None) -> StageResult:
        """The event after both, by its rule if the plan has one."""
        # Without a rule an allowed track event is not checked further; identify and group are checked by an empty rule.
        if self._kind in ("identify", "group") and rule is None:
            rule = Rule(str(self._kind).upper(), None, {})
        if rule is not None:
            self._omit_unplanned(rule)
            violations = rule.validator.violations(self._event)
            if violations and not self._controls.event_on_violations:
                return self._ended("schema_violation", violations)
            self._note(violations, omitting=not self._controls.fields_on_violations)
        violations = _common_violations(self._plan, self._event)
        if violations and self._controls.common == "BLOCK":
            return self._ended("common_schema_violation", violations)
        self._note(violations, omitting=self._controls.common.startswith("OMIT"))
        return StageResult(self._with_protocols(), self._changes(), warnings=self._warnings())

    def _ended(self, code: str, violations: list[SchemaViolation]) -> StageResult:
        details = tuple(violation.sentence for violation in violations)
        return StageResult(self._event, self._changes(), Ended("blocked_by_schema", code, details))

    def _omit_unplanned(self, rule: Rule) -> None:
        held = self._event.get(rule.holder)
        if self._controls.unplanned_fields or not isinstance(held, dict):
            return
        unplanned = [name for name in held if not rule.is_planned(name)]
        self._omitted += unplanned
        self._omit(unplanned)

    def _note(self, violations: list[SchemaViolation], *, omitting: bool) -> None:
        self._violations += violations
        if omitting:
            held = self._event.get(self._noun)
            named = [
                name for violation in violations if violation.holder == self._noun for name in violation.names
            ]
            gone = [name for name in dict.fromkeys(named) if isinstance(held, dict) and name in held]
            self._omitted_on_violation += gone
            self._omit(gone)

    def _omit(self, names: list[str]) -> None:
        if names:
            left = {name: value for name, value in self._event[self._noun].items() if name not in names}
            self._event = {**self._event, self._noun: left}

    def _with_protocols(self) -> Event:
        """The event with the removed fields' names, as Segment adds them in `context.protocols`
        (https://segment.com/docs/protocols/enforce/forward-blocked-events/).
        """
        if not self._omitted and not self._omitted_on_violation:
            return self._event
        before = self._event.get("context")
        context = before if isinstance(before, dict) else {}
        earlier = context.get("protocols")
        protocols: dict[str, Any] = dict(earlier) if isinstance(earlier, dict) else {}
        if self._omitted:
            protocols["omitted"] = self._omitted
        if self._omitted_on_violation:
            protocols["omitted_on_violation"] = self._omitted_on_violation
        if self._violations:
            protocols["violations"] = [violation.as_json() for violation in self._violations]
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
                "message": f"the tracking plan is violated, and the source lets it pass: {violation.sentence}",
            }
            for violation in self._violations
            if not gone.intersection(violation.names)
        )
