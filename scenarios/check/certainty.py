"""What Segment certainly does before the mappings with an event that is known only in part.

Source code or a plan gives an event's name and little else: a filter on a property that is not written out may drop the
event or not, and a property that seems to be missing may be sent. A filter that drops at random is never certain.
"""

from collections.abc import Sequence
from dataclasses import replace

from optilocal.forwarder.fql.condition import Condition, fields_of
from optilocal.forwarder.fql.parser import StatementError
from optilocal.forwarder.stages.consent import Consent
from optilocal.forwarder.stages.destination_filters import DestinationFilter
from optilocal.forwarder.stages.platform import Platform
from optilocal.forwarder.stages.schema import Controls, SchemaControls

_KNOWN = frozenset({"event", "type"})


def for_whole_events(platform: Platform) -> Platform:
    """What is certain for an event that is known whole: everything but random samples."""
    return replace(platform, filters=_without_chance(platform.filters))


def for_names(platform: Platform) -> Platform:
    """What holds for every event of a name, whatever else it carries."""
    drops = [_only_drops(rule) for rule in _without_chance(platform.filters) if _by_name(rule.condition)]
    return replace(
        platform,
        schema=_unplanned_alone(platform.schema),
        transformations=tuple(rule for rule in platform.transformations if _by_name(rule.condition)),
        consent=Consent(),
        filters=tuple(rule for rule in drops if rule.actions),
    )


def _by_name(condition: Condition | StatementError) -> bool:
    """A statement that is no FQL drops every event."""
    return isinstance(condition, StatementError) or fields_of(condition.ir) <= _KNOWN


def _without_chance(filters: Sequence[DestinationFilter]) -> tuple[DestinationFilter, ...]:
    def certain(rule: DestinationFilter) -> DestinationFilter:
        actions = [
            action for action in rule.actions
            if action.type != "SAMPLE" or action.path or not 0 < action.percent < 1
        ]  # fmt: skip
        return replace(rule, actions=tuple(actions))

    return tuple(certain(rule) for rule in filters)


def _only_drops(rule: DestinationFilter) -> DestinationFilter:
    wrong = isinstance(rule.condition, StatementError)
    actions = [
        action for action in rule.actions
        if wrong or action.type == "DROP" or (action.type == "SAMPLE" and action.percent <= 0)
    ]  # fmt: skip
    return replace(rule, actions=tuple(actions))


def _unplanned_alone(schema: SchemaControls) -> SchemaControls:
    if schema.plan is None:
        return schema
    track = schema.controls.get("track", Controls())
    by_name = {"track": Controls(unplanned_events=track.unplanned_events)}
    return replace(schema, plan=replace(schema.plan, rules=()), controls=by_name)
