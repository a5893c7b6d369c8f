"""Transformations of Segment Protocols: they rename, set and drop, for all destinations or for this one.

The shape is the Public API's (https://docs.segmentapis.com/tag/Transformations); the effects and limits of each part
are in https://segment.com/docs/protocols/transform/. A transformation without `destinationMetadataId` belongs to the
source and runs before consent and filters; one with this destination's id runs after its filters; one with another id
is ignored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from optilocal.forwarder.fql.condition import Condition, compiled
from optilocal.forwarder.fql.functions import EvaluationError
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.fql.paths import join_path, set_at, split_path, value_at
from optilocal.forwarder.stages.hashing import PropertyHash, read_hash
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, StageResult
from optilocal.forwarder.stages.transformers import allow_properties, map_properties

DESTINATION_METADATA_ID: Final = "641d5acea88fa531b9068608"
"""This destination's id in Segment's catalog, the same in every workspace."""

MAX_PATHS: Final = 10
MAX_DEPTH: Final = 4
KEYS: Final = (
    "id", "name", "sourceId", "destinationMetadataId", "enabled", "if", "drop", "newEventName", "propertyRenames",
    "propertyValueTransformations", "fqlDefinedProperties", "allowProperties", "hashPropertiesConfiguration",
)  # fmt: skip


@dataclass(frozen=True)
class Transformation:
    """One transformation. `renames` are (old name, new name), `values` (path, value), `defined` (FQL, path), each in its
    order; `raw` is the transformation as configured.
    """

    name: str
    statement: str
    enabled: bool = True
    destination: str | None = None
    drop: bool = False
    event_name: str | None = None
    renames: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    defined: tuple[tuple[str, str], ...] = ()
    allowed: tuple[str, ...] | None = None
    hashed: PropertyHash | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def condition(self) -> Condition | StatementError:
        """The compiled statement, or its error."""
        return compiled(self.statement)

    @cached_property
    def formulas(self) -> list[tuple[Condition | StatementError, str]]:
        """The compiled statements that define properties, or their errors, each with its property's path."""
        return [(compiled(fql), path) for fql, path in self.defined]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of change it makes: two transformations of one event must not share one."""
        parts = {
            "drop": self.drop,
            "event name": self.event_name is not None,
            "properties": self.renames
            or self.values
            or self.defined
            or self.allowed is not None
            or self.hashed,
        }
        return frozenset(kind for kind, is_given in parts.items() if is_given)


def read_transformations(configured: Any) -> tuple[Transformation, ...]:
    """A list from JSON: the list, or an object that has it under `transformations`. Raises `ShapeError`."""
    key = "transformations"
    whole = Shape({key: configured.get(key) if isinstance(configured, dict) else configured})
    items = whole.items(key, required=True)
    transformations: list[Transformation] = []
    for position, item in enumerate(items):
        shape = whole.inside(f"{key}[{position}]", item)
        rule = _read(shape)
        selects = (rule.statement, rule.destination)
        for other in transformations:
            same = rule.kinds & other.kinds
            if same and selects == (other.statement, other.destination):
                shape.refuse(
                    "if",
                    f"{other.name!r} changes the {sorted(same)[0]} of the same event already; one is allowed",
                )
        transformations.append(rule)
    whole.done()
    return tuple(transformations)


def _read(shape: Shape) -> Transformation:
    shape.only(KEYS)
    for name in ("id", "sourceId"):
        shape.text(name)
    renames = _pairs(shape, "propertyRenames", "oldName", "newName")
    defined = _pairs(shape, "fqlDefinedProperties", "fql", "propertyName", most=1)
    values = _read_values(shape)
    event_name = shape.text("newEventName")
    if defined and (event_name is not None or renames or values):
        shape.refuse(
            "fqlDefinedProperties",
            '"fqlDefinedProperties" is not allowed beside newEventName, propertyRenames or propertyValueTransformations',
        )
    _no_conflicts(shape, renames, values)
    allowed = shape.value.get("allowProperties")
    return Transformation(
        name=shape.text("name", required=True) or "",
        statement=shape.text("if", required=True) or "",
        enabled=shape.boolean("enabled", default=True),
        destination=shape.text("destinationMetadataId") or None,
        drop=shape.boolean("drop", default=False),
        event_name=event_name or None,
        renames=renames,
        values=values,
        defined=defined,
        # Segment's answers name every part, empty where it is not used.
        allowed=shape.texts("allowProperties") if allowed else None,
        hashed=read_hash(shape),
        raw=dict(shape.value),
    )


def _pairs(
    shape: Shape, name: str, first: str, second: str, most: int | None = None
) -> tuple[tuple[str, str], ...]:
    pairs = []
    for position, item in enumerate(shape.items(name, most=most)):
        part = shape.inside(f"{name}[{position}]", item)
        part.only((first, second))
        pair = (part.text(first, required=True) or "", part.text(second, required=True) or "")
        for key, path in zip((first, second), pair, strict=True):
            if key != "fql":
                _check_path(part, key, path)
        pairs.append(pair)
    return tuple(pairs)


def _read_values(shape: Shape) -> tuple[tuple[str, str], ...]:
    name = "propertyValueTransformations"
    values: list[tuple[str, str]] = []
    for position, item in enumerate(shape.items(name, most=MAX_PATHS)):
        part = shape.inside(f"{name}[{position}]", item)
        part.only(("propertyPaths", "propertyValue"))
        value = part.value.get("propertyValue")
        if not isinstance(value, str):
            part.refuse("propertyValue", '"propertyValue" must be a string')
        for place, path in enumerate(part.texts("propertyPaths", required=True, most=MAX_PATHS)):
            _check_path(part, f"propertyPaths[{place}]", path)
            values.append((path, str(value)))
    return tuple(values)


def _check_path(shape: Shape, key: str, path: str) -> None:
    parts = split_path(path)
    if "$" in parts:
        shape.refuse(key, f"{path!r}: properties of the objects in a list cannot be transformed")
    below = parts[1:] if parts[0] in ("properties", "traits", "context") else parts
    if len(below) > MAX_DEPTH:
        shape.refuse(key, f"{path!r} is nested deeper than {MAX_DEPTH}")


def _no_conflicts(
    shape: Shape, renames: Sequence[tuple[str, str]], values: Sequence[tuple[str, str]]
) -> None:
    """Refuses the conflicts that Segment refuses (https://segment.com/docs/protocols/transform/#use-cases)."""
    paths = [path for path, _ in values]
    twice = next((path for position, path in enumerate(paths) if path in paths[:position]), None)
    if twice is not None:
        shape.refuse("propertyValueTransformations", f"the property path {twice!r} is set twice")
    renamed = {
        form for pair in renames for name in pair for form in (name, f"properties.{name}", f"traits.{name}")
    }
    both = next((path for path in paths if path in renamed), None)
    if both is not None:
        shape.refuse("propertyValueTransformations", f"the property path {both!r} is also in propertyRenames")


def of_source(transformations: Sequence[Transformation]) -> tuple[Transformation, ...]:
    """The enabled transformations for all destinations."""
    return tuple(rule for rule in transformations if rule.enabled and rule.destination is None)


def of_destination(transformations: Sequence[Transformation]) -> tuple[Transformation, ...]:
    """The enabled transformations for this destination alone."""
    return tuple(
        rule for rule in transformations if rule.enabled and rule.destination == DESTINATION_METADATA_ID
    )


def apply(transformations: Sequence[Transformation], event: Event) -> StageResult:
    """Applies transformations to an event, one after the other."""
    changes: list[str] = []
    for rule in transformations:
        try:
            if isinstance(rule.condition, StatementError):
                raise rule.condition
            if not rule.condition.matches(event):
                continue
            if rule.drop:
                why = f"transformation {rule.name!r} drops the event: {rule.statement}"
                ended = Ended("filtered", None, (why,), by=rule.name, condition=rule.statement)
                return StageResult(event, tuple(changes), ended)
            event = _transformed(rule, event, changes)
        except (StatementError, EvaluationError) as error:
            return StageResult(event, tuple(changes), _failed(rule, error))
    return StageResult(event, tuple(changes))


def _failed(rule: Transformation, error: StatementError | EvaluationError) -> Ended:
    """The end of an event whose transformation's statement failed; assumed to be as for a filter's statement."""
    why = f"a statement of transformation {rule.name!r} {error.what}: {error}"
    note = (
        "for a filter Segment drops the event in this case; that it does so for a transformation is assumed"
    )
    return Ended("filtered", None, (why, note), by=rule.name, condition=rule.statement)


def _transformed(rule: Transformation, event: Event, changes: list[str]) -> Event:
    holder = "traits" if event.get("type") in ("identify", "group") else "properties"
    moves = {_absolute(new, holder): _absolute(old, holder) for old, new in rule.renames}
    if rule.event_name is not None and event.get("type") == "track" and event.get("event") != rule.event_name:
        changes.append(
            f"transformation {rule.name!r} renames the event {event.get('event')!r} to {rule.event_name!r}"
        )
        event = {**event, "event": rule.event_name}
    after: Event = map_properties(event, moves, dict(rule.values))
    for formula, path in rule.formulas:
        if isinstance(formula, StatementError):
            raise formula
        after = _defined(after, path, formula.value(event))
    if rule.allowed is not None:
        names = [split_path(name)[-1] for name in rule.allowed]
        after = allow_properties(after, {holder: names})
    if rule.hashed is not None:
        after = rule.hashed.applied(after)
    if after is not event:
        changes += [f"transformation {rule.name!r} {text}" for text in _descriptions(rule)]
    return after


def _absolute(name: str, holder: str) -> str:
    """The path of a renamed property, which Segment's app writes without `properties.` or `traits.`."""
    return name if split_path(name)[0] in ("properties", "traits") else f"{holder}.{name}"


def _defined(event: Event, path: str, value: Any) -> Event:
    """A copy of the event with a property set, where the object that would hold it is there."""
    parts = split_path(path)
    if len(parts) == 1:
        parts = ("properties", *parts)
    held = value_at(event, parts[:-1])
    changed: Event = set_at(event, parts, value) if isinstance(held, dict) else event
    return changed


def _descriptions(rule: Transformation) -> list[str]:
    descriptions = [f"renames {old} to {new}" for old, new in rule.renames]
    descriptions += [f"sets {path} to {value!r}" for path, value in rule.values]
    descriptions += [f"defines {join_path(split_path(path))} as {fql}" for fql, path in rule.defined]
    if rule.allowed is not None:
        descriptions.append(f"keeps only the properties {', '.join(rule.allowed)}")
    if rule.hashed is not None:
        descriptions.append(f"hashes {', '.join(rule.hashed.paths)}")
    return descriptions
