"""What is configured of Segment between a source and this destination, made ready to be applied event after event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from optilocal.forwarder.stages.consent import Consent, read_consent
from optilocal.forwarder.stages.destination_filters import DestinationFilter, read_filters
from optilocal.forwarder.stages.integrations import SchemaFilter, read_schema_filter


@dataclass(frozen=True)
class Platform:
    """Filters, consent and schema filter of one source and this destination; by default there are none."""

    filters: tuple[DestinationFilter, ...] = ()
    consent: Consent = field(default_factory=Consent)
    schema_filter: SchemaFilter = field(default_factory=dict)

    def with_json(self, key: str, configured: Any) -> Platform:
        """The same with one part, `filters` say, configured anew. Raises `ShapeError`."""
        return replace(self, **{key: _READERS[key](configured)})

    def part_json(self, key: str) -> Any:
        """One part as it is configured and shown."""
        return _SHOWN[key](getattr(self, key))

    def as_json(self) -> dict[str, Any]:
        """Every part that is configured, by its key."""
        return {key: self.part_json(key) for key in PARTS if getattr(self, key) != getattr(NOTHING, key)}


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "filters": read_filters,
    "consent": read_consent,
    "schema_filter": read_schema_filter,
}
_SHOWN: Final[dict[str, Callable[[Any], Any]]] = {
    "filters": lambda filters: [one.as_json() for one in filters],
    "consent": Consent.as_json,
    "schema_filter": dict,
}
NOTHING: Final = Platform()
PARTS: Final = tuple(part.name for part in fields(Platform))
"""The keys of the parts, in settings files, scenarios and under `/_forwarder`."""


def read_platform(configured: Mapping[str, Any]) -> Platform:
    """Every part that is given. Raises `ShapeError`."""
    platform = NOTHING
    for key in PARTS:
        if configured.get(key) is not None:
            platform = platform.with_json(key, configured[key])
    return platform
