"""Transformations: what Protocols renames, sets and drops, for all destinations or for this one.

The shape is the Public API's (https://docs.segmentapis.com/tag/Transformations), what each part does and may not do is in
https://segment.com/docs/protocols/transform/. One without `destinationMetadataId` is the source's and comes before consent
and filters; one with this destination's comes after its filters; one with another destination's is none of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from optilocal.forwarder.fql.condition import Condition
from optilocal.forwarder.fql.functions import EvaluationError
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.fql.paths import join_path, set_at, split_path, value_at
from optilocal.forwarder.stages.hashing import PropertyHash, read_hash
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, Looked
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
    """One transformation. `renames` and `values` are (old or path, new or value) in their order; `raw` is as configured."""

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
        """The statement made ready, or why it is none."""
        return _condition(self.statement)

    @cached_property
    def formulas(self) -> list[tuple[Condition | StatementError, str]]:
        """The statements that define properties, each with its property's path."""
        return [(_condition(fql), path) for fql, path in self.defined]

    @property
    def kinds(self) -> frozenset[str]:
        """What it changes, for the rule that two of a kind are not allowed for one event."""
        parts = {
            "drop": self.drop,
            "event name": self.event_name is not None,
            "properties": self.renames
            or self.values
            or self.defined
            or self.allowed is not None
            or self.hashed,
        }
        return frozenset(kind for kind, given in parts.items() if given)


def _condition(statement: str) -> Condition | StatementError:
    try:
        return Condition(statement)
    except StatementError as error:
        return error


def read_transformations(configured: Any) -> tuple[Transformation, ...]:
    """A list from JSON: the list, or an object that has it under `transformations`. Raises `ShapeError`."""
    key = "transformations"
    whole = Shape({key: configured.get(key) if isinstance(configured, dict) else configured})
    items = whole.items(key, required=True)
    found: list[Transformation] = []
    for position, item in enumerate(items):
        shape = whole.inside(f"{key}[{position}]", item)
        made = _read(shape)
        for other in found:
            same = made.kinds & other.kinds
            if same and (made.statement, made.destination) == (other.statement, other.destination):
                shape.refuse(
                    "if",
                    f"{other.name!r} changes the {sorted(same)[0]} of the same event already; one is allowed",
                )
        found.append(made)
    whole.done()
    return tuple(found)


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
    found = []
    for position, item in enumerate(shape.items(name, most=most)):
        part = shape.inside(f"{name}[{position}]", item)
        part.only((first, second))
        one, other = part.text(first, required=True) or "", part.text(second, required=True) or ""
        for key, path in ((first, one), (second, other)):
            if key != "fql":
                _check_path(part, key, path)
        found.append((one, other))
    return tuple(found)


def _read_values(shape: Shape) -> tuple[tuple[str, str], ...]:
    name = "propertyValueTransformations"
    found: list[tuple[str, str]] = []
    for position, item in enumerate(shape.items(name, most=MAX_PATHS)):
        part = shape.inside(f"{name}[{position}]", item)
        part.only(("propertyPaths", "propertyValue"))
        value = part.value.get("propertyValue")
        if not isinstance(value, str):
            part.refuse("propertyValue", '"propertyValue" must be a string')
        for place, path in enumerate(part.texts("propertyPaths", required=True, most=MAX_PATHS)):
            _check_path(part, f"propertyPaths[{place}]", path)
            found.append((path, str(value)))
    return tuple(found)


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
    """Segment shows an error for each of these (https://segment.com/docs/protocols/transform/#use-cases)."""
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
    """The enabled ones that hold for all destinations."""
    return tuple(one for one in transformations if one.enabled and one.destination is None)


def of_destination(transformations: Sequence[Transformation]) -> tuple[Transformation, ...]:
    """The enabled ones that hold for this destination alone."""
    return tuple(one for one in transformations if one.enabled and one.destination == DESTINATION_METADATA_ID)


def look(transformations: Sequence[Transformation], event: Event) -> Looked:
    """What some transformations make of an event, one after the other."""
    changes: list[str] = []
    for one in transformations:
        try:
            if isinstance(one.condition, StatementError):
                raise one.condition
            if not one.condition.matches(event):
                continue
            if one.drop:
                why = f"transformation {one.name!r} drops the event: {one.statement}"
                ended = Ended("filtered", None, (why,), by=one.name, condition=one.statement)
                return Looked(event, tuple(changes), ended)
            event = _transformed(one, event, changes)
        except (StatementError, EvaluationError) as error:
            return Looked(event, tuple(changes), _failed(one, error))
    return Looked(event, tuple(changes))


def _failed(one: Transformation, error: StatementError | EvaluationError) -> Ended:
    """Assumed to be as with a filter's statement: the event is dropped."""
    what = (
        "is not valid FQL" if isinstance(error, StatementError) else "could not be evaluated for this event"
    )
    why = f"a statement of transformation {one.name!r} {what}: {error}"
    note = "Segment drops an event that invalid FQL is applied to; that it does so for a transformation is assumed"
    return Ended("filtered", None, (why, note), by=one.name, condition=one.statement)


def _transformed(one: Transformation, event: Event, changes: list[str]) -> Event:
    before = event
    holder = "traits" if event.get("type") in ("identify", "group") else "properties"
    mapped: dict[str, Mapping[str, Any]] = {
        _absolute(new, holder): {"move": _absolute(old, holder)} for old, new in one.renames
    }
    mapped |= {path: {"set": value} for path, value in one.values}
    if one.event_name is not None and event.get("type") == "track" and event.get("event") != one.event_name:
        changes.append(
            f"transformation {one.name!r} renames the event {event.get('event')!r} to {one.event_name!r}"
        )
        event = {**event, "event": one.event_name}
    after: Event = map_properties(event, mapped) if mapped else event
    for formula, path in one.formulas:
        if isinstance(formula, StatementError):
            raise formula
        after = _defined(after, path, formula.value(event))
    if one.allowed is not None:
        names = [split_path(name)[-1] for name in one.allowed]
        after = allow_properties(after, {holder: names})
    if one.hashed is not None:
        after = one.hashed.applied(after)
    if after is not event:
        changes += [f"transformation {one.name!r} {told}" for told in _told(one)]
    return after if after is not before else before


def _absolute(name: str, holder: str) -> str:
    """Renames name properties as the app does, without `properties.` or `traits.`."""
    return name if split_path(name)[0] in ("properties", "traits") else f"{holder}.{name}"


def _defined(event: Event, path: str, value: Any) -> Event:
    parts = split_path(path)
    if len(parts) == 1:
        parts = ("properties", *parts)
    held = value_at(event, parts[:-1])
    changed: Event = set_at(event, parts, value) if isinstance(held, dict) else event
    return changed


def _told(one: Transformation) -> list[str]:
    told = [f"renames {old} to {new}" for old, new in one.renames]
    told += [f"sets {path} to {value!r}" for path, value in one.values]
    told += [f"defines {join_path(split_path(path))} as {fql}" for fql, path in one.defined]
    if one.allowed is not None:
        told.append(f"leaves no other properties than {', '.join(one.allowed)}")
    if one.hashed is not None:
        told.append(f"hashes {', '.join(one.hashed.paths)}")
    return told
