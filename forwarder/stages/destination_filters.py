"""Destination filters: what Segment drops, samples and takes out of events before a destination sees them.

https://segment.com/docs/connections/destinations/destination-filters/ has the order, Sample, Drop, Drop Properties, Allow
Properties, and the limits; the shape is the Public API's, https://docs.segmentapis.com/tag/Destination-Filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any, Final

from optilocal.forwarder.fql.condition import Condition
from optilocal.forwarder.fql.functions import EvaluationError
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, Looked
from optilocal.forwarder.stages.transformers import Fields, allow_properties, drop_properties, is_sampled

MAX_FILTERS: Final = 10
MAX_TITLE: Final = 64
MAX_STATEMENT_BYTES: Final = 5 * 1024
CODE: Final = "FILTERED_BY_RULES"

ACTIONS: Final = ("ALLOW_PROPERTIES", "DROP", "DROP_PROPERTIES", "SAMPLE")
_ORDER: Final = ("SAMPLE", "DROP", "DROP_PROPERTIES", "ALLOW_PROPERTIES")
_ACTION_KEYS: Final = ("type", "fields", "percent", "path")
_IDENTITY: Final = ("id", "sourceId", "destinationId", "createdAt", "updatedAt")
KEYS: Final = (*_IDENTITY, "title", "description", "if", "actions", "enabled")


@dataclass(frozen=True)
class Action:
    """One action. `fields` belongs to the two that concern properties; `percent` (0 to 1) and `path` to SAMPLE."""

    type: str
    fields: Fields = field(default_factory=dict)
    percent: float = 1.0
    path: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The Public API's shape."""
        if self.type == "SAMPLE":
            return {"type": self.type, "percent": self.percent, **({"path": self.path} if self.path else {})}
        fields = {path: list(names) for path, names in self.fields.items()}
        return {"type": self.type, "fields": fields} if self.type != "DROP" else {"type": self.type}


@dataclass(frozen=True)
class DestinationFilter:
    """One filter. `identity` is what the Public API keeps with it: id, sourceId, destinationId, createdAt, updatedAt."""

    title: str
    statement: str
    actions: tuple[Action, ...]
    enabled: bool = True
    description: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def condition(self) -> Condition | StatementError:
        """The statement made ready, or why it is none: Segment takes a filter with such a statement, and drops by it."""
        try:
            return Condition(self.statement)
        except StatementError as error:
            return error

    def as_json(self) -> dict[str, Any]:
        """The Public API's shape."""
        shown: dict[str, Any] = dict(self.identity)
        shown |= {"title": self.title, "if": self.statement, "enabled": self.enabled}
        shown["actions"] = [action.as_json() for action in self.actions]
        return shown if self.description is None else {**shown, "description": self.description}

    def identified(self, **identity: str) -> DestinationFilter:
        """The same filter with other ids and times."""
        return replace(self, identity={**self.identity, **identity})


Step = tuple[DestinationFilter, Action]
"""One action of a filter, when its turn comes."""


def read_filters(configured: Any, path: str = "filters") -> tuple[DestinationFilter, ...]:
    """A list of filters from JSON: the list, or an object that has it under `filters`. Raises `ShapeError`."""
    given = configured.get("filters") if isinstance(configured, dict) else configured
    whole = Shape({path: given})
    items = whole.items(path, required=True, most=MAX_FILTERS)
    found = [_read(whole.inside(f"{path}[{position}]", item)) for position, item in enumerate(items)]
    whole.done()
    return tuple(found)


def read_filter(configured: Any, required: Sequence[str] = ()) -> DestinationFilter:
    """One filter from JSON; `required` are fields that must be there besides title, if and actions. Raises `ShapeError`."""
    shape = Shape(configured)
    for name in required:
        if shape.value.get(name) is None:
            shape.refuse(name, f'"{name}" is required')
    found = _read(shape)
    shape.done()
    return found


def read_preview(configured: Any, path: str = "filter") -> DestinationFilter:
    """A filter of which there is nothing but `if` and `actions`. Raises `ShapeError`."""
    shape = Shape(configured, path)
    shape.only(("if", "actions"))
    found = DestinationFilter("preview", _statement(shape), _actions(shape))
    shape.done()
    return found


def _read(shape: Shape) -> DestinationFilter:
    shape.only(KEYS)
    identity = {name: shape.text(name) for name in _IDENTITY}
    return DestinationFilter(
        title=shape.text("title", required=True, most=MAX_TITLE) or "",
        statement=_statement(shape),
        actions=_actions(shape),
        enabled=shape.boolean("enabled", default=True),
        description=shape.text("description"),
        identity={name: value for name, value in identity.items() if value is not None},
    )


def _statement(shape: Shape) -> str:
    statement = shape.text("if", required=True) or ""
    if len(statement.encode("utf-8", "surrogatepass")) > MAX_STATEMENT_BYTES:
        shape.refuse("if", f'"if" must be at most {MAX_STATEMENT_BYTES} bytes long')
    return statement


def _actions(shape: Shape) -> tuple[Action, ...]:
    items = shape.items("actions", required=True)
    if not items and isinstance(shape.value.get("actions"), list):
        shape.refuse("actions", '"actions" must contain at least 1 items')
    return tuple(_action(shape.inside(f"actions[{position}]", item)) for position, item in enumerate(items))


def _action(shape: Shape) -> Action:
    shape.only(_ACTION_KEYS)
    kind = shape.one_of("type", ACTIONS, required=True) or "DROP"
    if kind == "SAMPLE":
        return Action(kind, percent=shape.fraction("percent"), path=shape.text("path"))
    if kind == "DROP":
        return Action(kind)
    if shape.value.get("fields") is None:
        shape.refuse("fields", '"fields" is required')
        return Action(kind)
    fields = shape.inside("fields", shape.value["fields"])
    return Action(kind, {path: fields.texts(path) for path in fields.value})


def in_order(filters: Sequence[DestinationFilter]) -> tuple[Step, ...]:
    """The enabled filters' actions in Segment's order: each kind for all filters, in the filters' own order."""
    steps = [(one, action) for one in filters if one.enabled for action in one.actions]
    return tuple(sorted(steps, key=lambda step: _ORDER.index(step[1].type)))


def look(steps: Sequence[Step], event: Event, random: Random) -> Looked:
    """What filters make of an event, action by action."""
    changes: list[str] = []
    for one, action in steps:
        found = _apply(one, action, event, random)
        if found is event:
            continue
        if isinstance(found, Ended):
            return Looked(event, tuple(changes), found)
        changes.append(_change(one, action))
        event = found
    return Looked(event, tuple(changes))


def _apply(one: DestinationFilter, action: Action, event: Event, random: Random) -> Event | Ended:
    condition = one.condition
    try:
        if isinstance(condition, StatementError):
            raise condition
        if not condition.matches(event):
            return event
    except (StatementError, EvaluationError) as error:
        return _failed(one, error)
    if action.type == "DROP":
        return _dropped(one, condition, event, "drops the event")
    if action.type == "SAMPLE":
        if is_sampled(event, action.percent, action.path, random):
            return event
        by = f"by {action.path}" if action.path else "by chance"
        return _dropped(
            one, condition, event, f"lets {action.percent:.6g} of such events pass, {by}, and not this one"
        )
    change = drop_properties if action.type == "DROP_PROPERTIES" else allow_properties
    changed: Event = change(event, action.fields)
    return changed


def _dropped(one: DestinationFilter, condition: Condition, event: Event, does: str) -> Ended:
    details = [f"destination filter {one.title!r} {does}: {one.statement}"]
    part = condition.holding(event)
    if part is not None:
        details.append(f"what holds of it is {part}")
    return Ended("filtered", CODE, tuple(details), by=one.title, condition=one.statement)


def _failed(one: DestinationFilter, error: StatementError | EvaluationError) -> Ended:
    """An error drops the event and shows nowhere at Segment."""
    what = (
        "is not valid FQL" if isinstance(error, StatementError) else "could not be evaluated for this event"
    )
    details = (
        f"the statement of destination filter {one.title!r} {what}: {error}",
        "Segment drops the event then and shows the error nowhere",
    )
    return Ended("filtered", CODE, details, by=one.title, condition=one.statement)


def _change(one: DestinationFilter, action: Action) -> str:
    places = "; ".join(f"{path or 'the event'}: {', '.join(names)}" for path, names in action.fields.items())
    does = "takes out" if action.type == "DROP_PROPERTIES" else "leaves nothing but"
    return f"destination filter {one.title!r} {does} {places}"
