"""Which destinations get an event: its `integrations` object decides, then the source's schema integration filter.

https://segment.com/docs/guides/filtering-data/ has both: names must match exactly, and the schema integration filter
never overrides an entry for the destination in `integrations`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from optilocal.forwarder.stages.shape import Shape
from optilocal.forwarder.stages.stage import Ended, Event, StageResult

DISPLAY_NAME: Final = "Optimizely Feature Experimentation (Actions)"
"""The exact key of this destination in an event's `integrations`: the name of its page in Segment's catalog."""

_NEIGHBOURS: Final = ("web", "data platform", "advanced audience targeting")
"""Optimizely's other destinations in Segment's catalog, by what follows "Optimizely" in their names."""

CODE: Final = "FILTERED_BY_INTEGRATIONS_OBJECT"

SchemaFilter = Mapping[str, bool]
"""Track event's name, or `identify` and `group` for those calls → whether the destination gets it."""


def integrations_of(event: Event) -> dict[str, Any]:
    """The event's `integrations` object, empty where it has none."""
    integrations = event.get("integrations")
    return integrations if isinstance(integrations, dict) else {}


def apply_integrations(event: Event) -> StageResult:
    """Ends the event where `integrations` has false for this destination, or has no entry for it and false for `All`."""
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
        return StageResult(event, warnings=warnings)
    return StageResult(event, ended=Ended("not_subscribed", CODE, (why,)))


def _is_meant(name: str) -> bool:
    """Whether a name was probably meant for this destination, and not for Optimizely's other ones: an older name, another
    case, its slug.
    """
    plain = " ".join(re.findall(r"[a-z0-9]+", name.lower()))
    return "optimizely" in plain and not any(f"optimizely {other}" in plain for other in _NEIGHBOURS)


def _misnamed(name: str) -> dict[str, str]:
    message = (
        f"integrations says {{{name!r:.80}: false}}, which is not this destination's name: {DISPLAY_NAME!r}"
    )
    return {"code": "integrations_misnamed", "message": message}


def apply_schema_filter(schema_filter: SchemaFilter, event: Event) -> StageResult:
    """Ends the event where the source's schema turns this destination off for its kind.

    Segment documents no discard code for it. The code is assumed to be that of `integrations`, which the filter fills in.
    """
    kind = event.get("type")
    name = event.get("event") if kind == "track" else kind
    if not isinstance(name, str) or schema_filter.get(name, True) or DISPLAY_NAME in integrations_of(event):
        return StageResult(event)
    why = f"the source's schema integration filter turns this destination off for {name!r}"
    return StageResult(event, ended=Ended("filtered", CODE, (why,), by="schema integration filter"))


def replayed(event: Event) -> Event:
    """The event as Segment replays it (https://segment.com/docs/guides/what-is-replay/): `integrations` names this
    destination alone; its consent stays.
    """
    return {**event, "integrations": {"All": False, DISPLAY_NAME: True}}


def read_schema_filter(configured: Any) -> dict[str, bool]:
    """`{EVENT: false}` from JSON. Raises `ShapeError`."""
    shape = Shape(configured, "schema_filter")
    schema_filter = {name: shape.boolean(name, default=True) for name in shape.value}
    shape.done()
    return schema_filter
