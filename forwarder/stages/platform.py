"""The configuration of Segment's stages between a source and this destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Final

from optilocal.forwarder.stages.consent import Consent, read_consent
from optilocal.forwarder.stages.destination_filters import DestinationFilter, Step, in_order, read_filters
from optilocal.forwarder.stages.integrations import SchemaFilter, read_schema_filter
from optilocal.forwarder.stages.schema import SchemaControls, check_plan, read_schema
from optilocal.forwarder.stages.transformations import (
    Transformation,
    of_destination,
    of_source,
    read_transformations,
)


@dataclass(frozen=True)
class Platform:
    """Schema controls, transformations, consent and filters of one source and this destination; none by default."""

    schema: SchemaControls = field(default_factory=SchemaControls)
    transformations: tuple[Transformation, ...] = ()
    consent: Consent = field(default_factory=Consent)
    schema_filter: SchemaFilter = field(default_factory=dict)
    filters: tuple[DestinationFilter, ...] = ()

    @cached_property
    def filter_steps(self) -> tuple[Step, ...]:
        """The enabled filters' actions in the order of their application."""
        return in_order(self.filters)

    @cached_property
    def source_transformations(self) -> tuple[Transformation, ...]:
        """The enabled transformations for all destinations."""
        return of_source(self.transformations)

    @cached_property
    def destination_transformations(self) -> tuple[Transformation, ...]:
        """The enabled transformations for this destination."""
        return of_destination(self.transformations)

    def with_json(self, key: str, configured: Any) -> Platform:
        """A copy with another configuration of one part, such as `filters`. Raises `ShapeError`."""
        return replace(self, **{key: _READERS[key](configured)})

    def with_parts(self, configured: Mapping[str, Any]) -> Platform:
        """A copy with the parts that `configured` has among its keys. Raises `ShapeError`."""
        parts = {key: _READERS[key](configured[key]) for key in PARTS if key in configured}
        return replace(self, **parts)

    def checked(self) -> Platform:
        """Returns itself if the plan's rules are valid JSON schema. Raises `ShapeError`."""
        if self.schema.plan is not None:
            check_plan(self.schema.plan)
        return self

    def part_json(self, key: str) -> Any:
        """One part as JSON."""
        return _SHOWN[key](getattr(self, key))

    def as_json(self) -> dict[str, Any]:
        """Every configured part by its key."""
        return {key: self.part_json(key) for key in PARTS if getattr(self, key) != getattr(NOTHING, key)}


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "schema": read_schema,
    "transformations": read_transformations,
    "filters": read_filters,
    "consent": read_consent,
    "schema_filter": read_schema_filter,
}
_SHOWN: Final[dict[str, Callable[[Any], Any]]] = {
    "schema": SchemaControls.as_json,
    "transformations": lambda transformations: [dict(item.raw) for item in transformations],
    "filters": lambda filters: [item.as_json() for item in filters],
    "consent": Consent.as_json,
    "schema_filter": dict,
}
NOTHING: Final = Platform()
PARTS: Final = tuple(part.name for part in fields(Platform))
"""The keys of the parts, in settings files, scenarios and under `/_forwarder`."""


def read_platform(configured: Mapping[str, Any]) -> Platform:
    """The platform from JSON, which may have any of the parts. Raises `ShapeError`."""
    return NOTHING.with_parts({key: value for key, value in configured.items() if value is not None})
