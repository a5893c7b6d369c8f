"""A Segment tracking plan: its rules, one JSON schema for each event and version.

Two formats are read: the Public API's `rules: [{type, key, jsonSchema, version}]`
(https://docs.segmentapis.com/tag/Tracking-Plans), alone, in `trackingPlan` or in `data`; and the older `rules: {events,
global, identify, group}`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from optilocal.forwarder.stages.shape import ShapeError, Violation
from optilocal.forwarder.stages.violations import Validator
from optilocal.serving.json_file import read_json_file

JsonSchema = Mapping[str, Any]
_NEVER: Final = "0001-"
"""The Public API writes the year 1 in `deprecatedAt` of a rule that is not deprecated."""
_FOLDED: Final = re.compile(r"[\s_\-.]+")


@dataclass(frozen=True)
class Rule:
    """One rule: `kind` is TRACK, IDENTIFY, GROUP, PAGE, SCREEN or COMMON, `key` is an event's name."""

    kind: str
    key: str | None
    schema: JsonSchema
    version: float = 1
    deprecated: bool = False

    @property
    def holder(self) -> str:
        """The part of the event whose fields the rule plans: `properties` or `traits`."""
        return "traits" if self.kind in ("IDENTIFY", "GROUP") else "properties"

    @cached_property
    def planned(self) -> JsonSchema:
        """The schema of the properties or traits themselves."""
        return layer(self.schema, self.holder)

    @cached_property
    def validator(self) -> Validator:
        """The validator of whole calls by this rule."""
        return Validator(self.schema)

    def is_planned(self, name: str) -> bool:
        """Whether the rule names a property or trait."""
        patterns = mapping(self.planned.get("patternProperties"))
        return name in properties(self.planned) or any(re.search(pattern, name) for pattern in patterns)


@dataclass(frozen=True)
class TrackingPlan:
    """The rules of a plan; `raw` is the plan as configured."""

    raw: Any = None
    rules: tuple[Rule, ...] = ()
    events: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def event(self, name: Any, version: Any) -> Rule | None:
        """The rule of an event in the version that the event names, else in the oldest version
        (https://segment.com/docs/protocols/tracking-plan/create/#tracking-plan-event-versioning).
        """
        versions = self.events.get(name, ()) if isinstance(name, str) else ()
        oldest = versions[0] if versions else None
        return next((rule for rule in versions if type(version) is int and rule.version == version), oldest)

    def of_kind(self, kind: str) -> Rule | None:
        """The rule of all calls of a kind: IDENTIFY, GROUP or COMMON."""
        return self._by_kind.get(kind)

    @cached_property
    def _by_kind(self) -> Mapping[str, Rule]:
        return {rule.kind: rule for rule in reversed(self.rules)}

    def near(self, name: str) -> tuple[str, ...]:
        """Planned events with a close name: those that differ in case and spacing only, else those close in spelling."""
        folded = _fold(name)
        same = [planned for planned in self.events if _fold(planned) == folded]
        if same:
            return tuple(same[:3])
        from rapidfuzz import process  # noqa: PLC0415 - slow to import
        from rapidfuzz.distance import OSA  # noqa: PLC0415 - slow to import

        scorer = OSA.normalized_similarity
        matches = process.extract(
            name, list(self.events), scorer=scorer, processor=_fold, score_cutoff=0.75, limit=3
        )
        return tuple(planned for planned, _, _ in matches)


def _fold(name: str) -> str:
    return _FOLDED.sub("", name).casefold()


def read_plan(value: Any) -> TrackingPlan | None:
    """A plan from parsed JSON; None where the JSON is not a plan."""
    rules = plan_rules(value)
    if rules is None:
        return None
    parsed = [_rule(rule) for rule in rules]
    parsed += [Rule(kind, None, schema) for kind, schema in _older(value)]
    events: dict[str, list[Rule]] = {}
    for rule in parsed:
        if rule.kind == "TRACK" and rule.key is not None and not rule.deprecated:
            events.setdefault(rule.key, []).append(rule)
    by_name = {
        key: tuple(sorted(versions, key=lambda rule: rule.version)) for key, versions in events.items()
    }
    return TrackingPlan(value, tuple(parsed), by_name)


def plan_rules(value: Any) -> list[dict[str, Any]] | None:
    """The rules, wherever an export keeps them (an API's answer wraps them in `data`); None where it is not a plan."""
    if isinstance(value, list):
        return value if value and all(map(_is_rule, value)) else None
    if not isinstance(value, dict):
        return None
    for wrapped in (value.get("data"), value.get("trackingPlan"), value.get("tracking_plan")):
        inner = plan_rules(wrapped) if isinstance(wrapped, dict) else None
        if inner is not None:
            return inner
    rules = value.get("rules")
    if isinstance(rules, dict):
        rules = rules.get("events", [] if _older(value) else None)
    elif rules is None and isinstance(value.get("events"), list):
        rules = value["events"]
        if not all(map(_is_rule, rules)):
            return None
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else None


def _is_rule(item: Any) -> bool:
    return isinstance(item, dict) and (
        "jsonSchema" in item or ("key" in item and "type" in item) or ("name" in item and "rules" in item)
    )


def _rule(rule: Mapping[str, Any]) -> Rule:
    kind = str(rule.get("type") or "TRACK").upper()
    name = rule.get("key", rule.get("name"))
    version = rule.get("version")
    return Rule(
        kind,
        name if isinstance(name, str) else None,
        rule_schema(rule.get("jsonSchema", rule.get("rules")), kind),
        version if isinstance(version, int | float) else 1,
        is_deprecated(rule),
    )


def is_deprecated(rule: Mapping[str, Any]) -> bool:
    """Whether a rule is deprecated in its plan."""
    return str(rule.get("deprecatedAt") or _NEVER)[:5] != _NEVER


def rule_schema(exported: Any, kind: str) -> JsonSchema:
    """A rule's JSON schema of the whole call. Some exports have it as a string; Segment's code generator
    (https://segment.com/docs/protocols/apis-and-extensions/typewriter/) has the schema of the properties alone.
    """
    if isinstance(exported, str):
        try:
            exported = json.loads(exported)
        except ValueError:
            return {}
    schema = mapping(exported)
    whole = kind != "TRACK" or any(key in properties(schema) for key in ("properties", "context", "traits"))
    return (
        schema
        if whole or not properties(schema)
        else {"type": "object", "properties": {"properties": schema}}
    )


def _older(value: Any) -> Iterable[tuple[str, JsonSchema]]:
    rules = mapping(value).get("rules")
    if not isinstance(rules, dict):
        return []
    kinds = (("global", "COMMON"), ("identify", "IDENTIFY"), ("group", "GROUP"))
    return [(kind, rules[key]) for key, kind in kinds if isinstance(rules.get(key), dict) and rules[key]]


def layer(schema: JsonSchema, name: str) -> JsonSchema:
    """The schema of one property."""
    return mapping(properties(schema).get(name))


def properties(schema: JsonSchema) -> JsonSchema:
    """The properties that a schema describes."""
    return mapping(schema.get("properties"))


def mapping(value: Any) -> JsonSchema:
    """The value if it is an object, else an empty object."""
    return value if isinstance(value, dict) else {}


def with_plan_read(schema: Any, folder: Path) -> Any:
    """`{"plan": FILE, …}` with the file's content in place of FILE, a path from `folder`. Raises `ShapeError`."""
    if not isinstance(schema, dict) or not isinstance(schema.get("plan"), str):
        return schema
    file = folder / schema["plan"]
    try:
        plan = read_json_file(file, "the tracking plan")
    except ValueError as error:
        raise ShapeError([Violation("schema.plan", str(error))]) from None
    return {**schema, "plan": plan}
