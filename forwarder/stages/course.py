"""Runs an event through the stages between its source and the destination's mappings, in Segment's order.

Where Segment's documentation states no order it is assumed: schema controls before the source's transformations, both
before consent (docs/segment.md has the order with its sources).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from optilocal.forwarder.stages import consent, destination_filters, integrations, schema, transformations
from optilocal.forwarder.stages.platform import Platform
from optilocal.forwarder.stages.stage import Ended, Event, StageResult, stage_json


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, whether anything is configured for it, and its function."""

    name: str
    is_configured: Callable[[Platform], bool]
    apply: Callable[[Platform, Event, Random], StageResult]


SOURCE: Final = (
    Stage("schema", lambda on: bool(on.schema), lambda on, event, _: schema.apply(on.schema, event)),
    Stage(
        "source_transformations",
        lambda on: bool(on.source_transformations),
        lambda on, event, _: transformations.apply(on.source_transformations, event),
    ),
)
"""The stages that run once for all destinations. Their result is archived, and a replay begins with it."""

DESTINATION: Final = (
    Stage(
        "consent",
        lambda on: bool(on.consent.categories),
        lambda on, event, _: consent.apply(on.consent, event),
    ),
    # It is not configured: every event may have an `integrations` object.
    Stage("integrations", lambda _: True, lambda _, event, __: integrations.apply_integrations(event)),
    Stage(
        "schema_filter",
        lambda on: bool(on.schema_filter),
        lambda on, event, _: integrations.apply_schema_filter(on.schema_filter, event),
    ),
    Stage(
        "destination_filters",
        lambda on: bool(on.filters),
        lambda on, event, random: destination_filters.apply(on.filter_steps, event, random),
    ),
    Stage(
        "destination_transformations",
        lambda on: bool(on.destination_transformations),
        lambda on, event, _: transformations.apply(on.destination_transformations, event),
    ),
)
"""The stages that run for this destination alone."""


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
    source = _through(SOURCE, platform, event, random)
    if source.ended is not None:
        return source
    after = _through(DESTINATION, platform, source.event, random)
    return Course(
        source.event, after.event, source.rows + after.rows, after.ended, source.warnings + after.warnings
    )


def run_again(platform: Platform, archived: Event, random: Random) -> Course:
    """Runs the destination's stages on an archived event, as Segment's Replay does."""
    after = _through(DESTINATION, platform, integrations.replayed(archived), random)
    return Course(archived, after.event, after.rows, after.ended, after.warnings)


def _through(stages: Sequence[Stage], platform: Platform, event: Event, random: Random) -> Course:
    archived = event
    rows: list[dict[str, Any]] = []
    warnings: list[dict[str, str]] = []
    for stage in stages:
        if not stage.is_configured(platform):
            continue
        result = stage.apply(platform, event, random)
        event = result.event
        warnings += result.warnings
        if result.ended is not None or stage.name != "integrations":
            rows.append(stage_json(stage.name, result))
        if result.ended is not None:
            return Course(archived, event, tuple(rows), result.ended, tuple(warnings))
    return Course(archived, event, tuple(rows), None, tuple(warnings))
