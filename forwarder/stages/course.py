"""Runs an event through the stages between its source and the destination's mappings, in Segment's order.

Where Segment's documentation states no order it is assumed: schema controls before the source's transformations, both
before consent (docs/segment.md has the order with its sources).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final

from optilocal.forwarder.stages import consent, destination_filters, integrations, schema, transformations
from optilocal.forwarder.stages.platform import Platform
from optilocal.forwarder.stages.stage import Ended, Event, StageResult, stage_json

Stages = Iterator[tuple[str, Callable[[Event], StageResult]]]
"""The names and functions of the stages that are configured."""

SOURCE: Final = frozenset({"schema", "source_transformations"})
"""The stages that run once for all destinations. Their result is archived, and a replay begins with it."""


def _source(on: Platform) -> Stages:
    if on.schema:
        yield "schema", partial(schema.apply, on.schema)
    if on.source_transformations:
        yield "source_transformations", partial(transformations.apply, on.source_transformations)


def _destination(on: Platform, random: Random) -> Stages:
    """The stages that run for this destination alone."""
    if on.consent.categories:
        yield "consent", partial(consent.apply, on.consent)
    # It is not configured: every event may have an `integrations` object.
    yield "integrations", integrations.apply_integrations
    if on.schema_filter:
        yield "schema_filter", partial(integrations.apply_schema_filter, on.schema_filter)
    if on.filters:
        yield "destination_filters", partial(destination_filters.apply, on.filter_steps, random=random)
    if on.destination_transformations:
        yield "destination_transformations", partial(transformations.apply, on.destination_transformations)


@dataclass(frozen=True, slots=True)
class Course:
    """How far an event came. `archived` is the event after the source's stages, `event` what the mappings get; `ended` is
    set where it goes no further; `rows` has one row for each configured stage.
    """

    archived: Event
    event: Event
    rows: tuple[dict[str, Any], ...] = ()
    ended: Ended | None = None
    warnings: tuple[dict[str, str], ...] = ()


def run(platform: Platform, event: Event, random: Random) -> Course:
    """Runs all stages."""
    source = _through(_source(platform), event)
    if source.ended is not None:
        return source
    after = _through(_destination(platform, random), source.event)
    return Course(
        source.event, after.event, source.rows + after.rows, after.ended, source.warnings + after.warnings
    )


def run_again(platform: Platform, archived: Event, random: Random) -> Course:
    """Runs the destination's stages on an archived event, as Segment's Replay does."""
    after = _through(_destination(platform, random), integrations.replayed(archived))
    return Course(archived, after.event, after.rows, after.ended, after.warnings)


def _through(stages: Stages, event: Event) -> Course:
    archived = event
    rows: list[dict[str, Any]] = []
    warnings: list[dict[str, str]] = []
    for name, apply in stages:
        result = apply(event)
        event = result.event
        warnings += result.warnings
        if result.ended is not None or name != "integrations":
            rows.append(stage_json(name, result))
        if result.ended is not None:
            return Course(archived, event, tuple(rows), result.ended, tuple(warnings))
    return Course(archived, event, tuple(rows), None, tuple(warnings))
