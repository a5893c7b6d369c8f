"""Destination filters: they sample and drop events, and remove properties from them, before a destination gets them.

https://segment.com/docs/connections/destinations/destination-filters/ has the limits and the order: Sample, Drop, Drop
Properties, Allow Properties. The shape is the Public API's, https://docs.segmentapis.com/tag/Destination-Filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import Any, Final

from optilocal.forwarder.fql.condition import Condition, compiled
from optilocal.forwarder.fql.functions import EvaluationError
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, StageResult
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
    """One action. DROP_PROPERTIES and ALLOW_PROPERTIES have `fields`; SAMPLE has `percent` (0 to 1) and `path`."""

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
    """One filter. `identity` has what the Public API adds: id, sourceId, destinationId, createdAt, updatedAt."""

    title: str
    statement: str
    actions: tuple[Action, ...]
    enabled: bool = True
    description: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def condition(self) -> Condition | StatementError:
        """The compiled statement, or its error: Segment accepts a filter with a wrong statement, and drops events by
        it.
        """
        return compiled(self.statement)

    def as_json(self) -> dict[str, Any]:
        """The Public API's shape."""
        members: dict[str, Any] = dict(self.identity)
        members |= {"title": self.title, "if": self.statement, "enabled": self.enabled}
        members["actions"] = [action.as_json() for action in self.actions]
        return members if self.description is None else {**members, "description": self.description}

    def identified(self, **identity: str) -> DestinationFilter:
        """This filter with other ids and times."""
        return replace(self, identity={**self.identity, **identity})


Step = tuple[DestinationFilter, Action]
"""A filter and one of its actions."""


def read_filters(configured: Any, path: str = "filters") -> tuple[DestinationFilter, ...]:
    """A list of filters from JSON: the list, or an object that has it under `filters`. Raises `ShapeError`."""
    configured = configured.get("filters") if isinstance(configured, dict) else configured
    whole = Shape({path: configured})
    items = whole.items(path, required=True, most=MAX_FILTERS)
    filters = [_read(whole.inside(f"{path}[{position}]", item)) for position, item in enumerate(items)]
    whole.done()
    return tuple(filters)


def wrong_statements(filters: Sequence[DestinationFilter]) -> list[str]:
    """A line for each filter whose statement is not valid FQL, which Segment takes all the same."""
    return [
        f"{row.title!r} drops every event while it is on: its statement is not valid FQL: {row.condition}"
        for row in filters
        if isinstance(row.condition, StatementError)
    ]


def read_filter(configured: Any, required: Sequence[str] = ()) -> DestinationFilter:
    """One filter from JSON; `required` are fields it must have besides title, if and actions. Raises `ShapeError`."""
    shape = Shape(configured)
    for name in required:
        if shape.value.get(name) is None:
            shape.refuse(name, f'"{name}" is required')
    filter_ = _read(shape)
    shape.done()
    return filter_


def read_preview(configured: Any, path: str = "filter") -> DestinationFilter:
    """A filter from JSON with nothing but `if` and `actions`. Raises `ShapeError`."""
    shape = Shape(configured, path)
    shape.only(("if", "actions"))
    filter_ = DestinationFilter("preview", _statement(shape), _actions(shape))
    shape.done()
    return filter_


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
    """The enabled filters' actions in Segment's order: by type of action, then in the filters' own order."""
    steps = [(filter_, action) for filter_ in filters if filter_.enabled for action in filter_.actions]
    return tuple(sorted(steps, key=lambda step: _ORDER.index(step[1].type)))


def apply(steps: Sequence[Step], event: Event, random: Random) -> StageResult:
    """Applies filters to an event, action by action."""
    changes: list[str] = []
    for filter_, action in steps:
        outcome = _apply_action(filter_, action, event, random)
        if outcome is event:
            continue
        if isinstance(outcome, Ended):
            return StageResult(event, tuple(changes), outcome)
        changes.append(_change(filter_, action))
        event = outcome
    return StageResult(event, tuple(changes))


def _apply_action(filter_: DestinationFilter, action: Action, event: Event, random: Random) -> Event | Ended:
    condition = filter_.condition
    try:
        if isinstance(condition, StatementError):
            raise condition
        if not condition.matches(event):
            return event
    except (StatementError, EvaluationError) as error:
        return _failed(filter_, error)
    if action.type == "DROP":
        return _dropped(filter_, condition, event, "drops the event")
    if action.type == "SAMPLE":
        if is_sampled(event, action.percent, action.path, random):
            return event
        by = f"by {action.path}" if action.path else "by chance"
        return _dropped(
            filter_, condition, event, f"keeps {action.percent:.6g} of such events, {by}, and not this one"
        )
    change = drop_properties if action.type == "DROP_PROPERTIES" else allow_properties
    changed: Event = change(event, action.fields)
    return changed


def _dropped(filter_: DestinationFilter, condition: Condition, event: Event, does: str) -> Ended:
    details = [f"destination filter {filter_.title!r} {does}: {filter_.statement}"]
    part = condition.holding(event)
    if part is not None:
        details.append(f"the part that holds is {part}")
    return Ended("filtered", CODE, tuple(details), by=filter_.title, condition=filter_.statement)


def _failed(filter_: DestinationFilter, error: StatementError | EvaluationError) -> Ended:
    """The end of an event whose filter's statement failed."""
    details = (
        f"the statement of destination filter {filter_.title!r} {error.what}: {error}",
        "Segment drops the event in this case and does not show the error",
    )
    return Ended("filtered", CODE, details, by=filter_.title, condition=filter_.statement)


def _change(filter_: DestinationFilter, action: Action) -> str:
    places = "; ".join(f"{path or 'the event'}: {', '.join(names)}" for path, names in action.fields.items())
    does = "removes" if action.type == "DROP_PROPERTIES" else "keeps only"
    return f"destination filter {filter_.title!r} {does} {places}"
