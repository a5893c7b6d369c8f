"""One source event's delivery, its conversion and the visitor's decisions → a verdict: outcome, explanation, remedy."""

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.attribution import Rules
from emulator.datafile_history import DatafileHistory
from emulator.event_row import EventRow


def verdict(
    delivery: Mapping[str, Any] | None,
    conversion: EventRow | None,
    *,
    decisions: Sequence[EventRow],
    history: DatafileHistory,
    rules: Rules = Rules(),
    duplicate_of: EventRow | None = None,
    uuid_taken_by_other_delivery: bool = False,
    relatives: Mapping[str, Sequence[EventRow]] | None = None,
) -> dict[str, Any]:
    """The verdict without `number` and `namespace`, which the journal assigns.

    At least one of `delivery` and `conversion` is given.

    delivery: the forwarder's report, or None for what an SDK sent.
    conversion: the row this delivery made (the first received with the uuid of its payload), or None.
    decisions: all decisions of the conversion's visitor (of `delivery["visitor_id"]` when there is no conversion),
        replays collapsed, any order.
    duplicate_of: the earlier received row with the same uuid and account, if there is one.
    uuid_taken_by_other_delivery: that earlier row came from another source event, or from an SDK: not a retry.
    relatives: visitor id → decisions, for the ids that `related_visitors` names and for visitor ids of the same `fold`
        (`emulator.nearest.fold`); leave out the visitor itself.
    """
    raise NotImplementedError


def delivered_uuid(delivery: Mapping[str, Any]) -> str | None:
    """The uuid that this delivery's conversion bears: how a conversion is matched to the delivery that made it."""
    raise NotImplementedError


def related_visitors(delivery: Mapping[str, Any] | None, conversion: EventRow | None) -> tuple[str, ...]:
    """Other ids of the same person that the source event itself names: userId, anonymousId."""
    raise NotImplementedError
