"""Which destinations an event is meant for: its `integrations` object, then the source's schema integration filter.

https://segment.com/docs/guides/filtering-data/ has both: names count to the letter, and the filter that is set for an event
in the source's schema never overrides what `integrations` says of the destination.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, Looked

DISPLAY_NAME: Final = "Optimizely Feature Experimentation (Actions)"
"""The key of this destination in an event's `integrations`, to the letter: the name of its page in Segment's catalog."""

_NEIGHBOURS: Final = ("web", "data platform", "advanced audience targeting")
"""Optimizely's other destinations in Segment's catalog, by what follows "Optimizely" in their names."""

CODE: Final = "FILTERED_BY_INTEGRATIONS_OBJECT"

SchemaFilter = Mapping[str, bool]
"""Track event's name, or `identify` and `group` for those calls → whether the destination gets it."""


def integrations_of(event: Event) -> dict[str, Any]:
    """The event's `integrations`, empty where it has none or something else."""
    given = event.get("integrations")
    return given if isinstance(given, dict) else {}


def look_at_integrations(event: Event) -> Looked:
    """Whether the event's `integrations` keep it from this destination: the destination's own entry, else `All`."""
    chosen = integrations_of(event)
    why = None
    warnings: tuple[dict[str, str], ...] = ()
    if DISPLAY_NAME in chosen:
        if chosen[DISPLAY_NAME] is False:
            why = f'integrations says {{"{DISPLAY_NAME}": false}}'
    elif chosen.get("All") is False:
        meant = [name for name, value in chosen.items() if value and _is_meant(str(name))]
        instead = f": it names {meant[0]!r:.80} instead of {DISPLAY_NAME!r}" if meant else ""
        why = f'integrations says {{"All": false}} and does not name this destination{instead}'
    else:
        warnings = tuple(
            _misnamed(name) for name, value in chosen.items() if value is False and _is_meant(str(name))
        )
    if why is None:
        return Looked(event, warnings=warnings)
    return Looked(event, ended=Ended("not_subscribed", CODE, (why,)))


def _is_meant(name: str) -> bool:
    """Whether a name that is not this destination's was probably meant for it: an older one, other case, its slug.

    Optimizely has others at Segment.
    """
    plain = " ".join(re.findall(r"[a-z0-9]+", name.lower()))
    return "optimizely" in plain and not any(f"optimizely {other}" in plain for other in _NEIGHBOURS)


def _misnamed(name: str) -> dict[str, str]:
    message = f"integrations says {{{name!r:.80}: false}}, which is no name of this destination; it is {DISPLAY_NAME!r}"
    return {"code": "integrations_misnamed", "message": message}


def look_at_schema_filter(schema_filter: SchemaFilter, event: Event) -> Looked:
    """Whether the source's schema keeps this kind of event from the destination.

    Segment documents no code of its own for it; what it shows is assumed to be that of `integrations`, which its filter
    fills in.
    """
    kind = event.get("type")
    name = event.get("event") if kind == "track" else kind
    if not isinstance(name, str) or schema_filter.get(name, True) or DISPLAY_NAME in integrations_of(event):
        return Looked(event)
    why = f"the source's schema integration filter turns this destination off for {name!r}"
    return Looked(event, ended=Ended("filtered", CODE, (why,), by="schema integration filter"))


def replayed(event: Event) -> Event:
    """The event as Segment replays it to this destination: no other `integrations` than this one
    (https://segment.com/docs/guides/what-is-replay/); its consent stays.
    """
    return {**event, "integrations": {"All": False, DISPLAY_NAME: True}}


def read_schema_filter(configured: Any) -> dict[str, bool]:
    """`{EVENT: false}` from JSON. Raises `ShapeError`."""
    shape = Shape(configured, "schema_filter")
    found = {name: shape.boolean(name, default=True) for name in shape.value}
    shape.done()
    return found
