"""What lines of a preview share: the destination's settings and mappings, and what Segment does before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from optilocal.forwarder.destination.destination import ActionResult, Settings, Subscription, on_event
from optilocal.forwarder.destination.errors import DestinationError
from optilocal.forwarder.destination.wire import Client
from optilocal.forwarder.stages.course import Course, run
from optilocal.forwarder.stages.platform import NOTHING, PARTS, Platform
from optilocal.forwarder.stages.shape import ShapeError

_FURTHEST_FIRST: Final = ("sent", "error", "skipped")


@dataclass(frozen=True)
class Workspace:
    """What a settings file gives every line; a line's own `settings`, `mapping` and parts win over it. `random` draws
    what is sampled by chance, the same in every run.
    """

    settings: Settings | None = None
    mappings: Sequence[Subscription] = ()
    platform: Platform = NOTHING
    datafile: Any = None
    random: Random = field(default_factory=lambda: Random(0))

    def before_mappings(self, line: Mapping[str, Any]) -> Course | None:
        """The event's way to the mappings; None where nothing is configured for the line. Raises `DestinationError`."""
        platform, event = self.platform, line.get("event")
        try:
            for part in PARTS:
                if part in line:
                    platform = platform.with_json(part, line[part])
        except ShapeError as error:
            raise DestinationError(str(error)) from error
        if not isinstance(event, dict) or platform == NOTHING:
            return None
        return run(platform, event, self.random)

    def through_mappings(self, event: Any, settings: Settings, client: Client) -> ActionResult:
        """The furthest that any enabled mapping brings the event."""
        found = [on_event(event, mapping, settings, client) for mapping in self.mappings if mapping.enabled]
        skipped = ActionResult("skipped")
        return min((*found, skipped), key=lambda result: _FURTHEST_FIRST.index(result.outcome))


ALONE: Final = Workspace()
"""Nothing shared: each line says all."""
