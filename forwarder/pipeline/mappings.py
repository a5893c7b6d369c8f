"""The configuration of a destination's mappings: read and checked; an error has its place and Segment's text."""

from collections.abc import Sequence
from typing import Any

from optilocal.forwarder.destination.destination import MAX_MAPPINGS, Subscription, validate_mapping
from optilocal.forwarder.destination.trigger_lint import lint_trigger
from optilocal.forwarder.errors import DestinationError


class ConfigurationError(ValueError):
    """A mapping that is not valid: one line with the mapping's name, the place and Segment's text."""


def mapping_json(mapping: Subscription) -> dict[str, Any]:
    """`{"name", "trigger", "enabled", "fields"}`."""
    return {
        "name": mapping.name,
        "trigger": mapping.trigger,
        "enabled": mapping.enabled,
        "fields": mapping.fields,
    }


def read_mapping(configured: Any, position: int) -> Subscription:
    """A mapping from its JSON. Raises ValueError with one line that names the mapping and the key."""
    where = f"mapping {position}"
    if not isinstance(configured, dict):
        raise ValueError(f"{where} is not an object {{name, trigger, enabled, fields}}")
    unknown = sorted(set(configured) - {"name", "trigger", "enabled", "fields", "action"})
    if unknown:
        raise ValueError(
            f"{where} has an unknown key {unknown[0]!r}; known are name, trigger, enabled, fields"
        )
    for key, kind, noun in (("trigger", str, "a text"), ("fields", dict, "an object")):
        if not isinstance(configured.get(key), kind):
            raise ValueError(f"{where} needs {key!r}, {noun}")
    name, enabled = configured.get("name", f"Mapping {position}"), configured.get("enabled", True)
    if not isinstance(name, str) or not isinstance(enabled, bool):
        raise ValueError(f"{where}: 'name' is a text and 'enabled' true or false")
    return Subscription(name, configured["trigger"], configured["fields"], enabled)


def read_mappings(configured: Any) -> list[Subscription]:
    """A list of mappings from JSON: the list, or an object that has it under `mappings`. Raises ValueError."""
    if isinstance(configured, dict):
        configured = configured.get("mappings")
    if not isinstance(configured, list):
        raise ValueError("mappings are a list of {name, trigger, enabled, fields}")
    return [read_mapping(mapping, position) for position, mapping in enumerate(configured, 1)]


def check_mappings(mappings: Sequence[Subscription]) -> tuple[Subscription, ...]:
    """The mappings, if all are valid. Raises `ConfigurationError`."""
    if len(mappings) > MAX_MAPPINGS:
        raise ConfigurationError(
            f"{len(mappings)} mappings: an instance of a destination takes at most {MAX_MAPPINGS}; remove some"
        )
    for mapping in mappings:
        try:
            validate_mapping(mapping)
        except DestinationError as error:
            hint = "".join(f"; {note.message}" for note in lint_trigger(str(mapping.trigger))[:1])
            raise ConfigurationError(f"mapping {mapping.name!r}: {' '.join(error.details)}{hint}") from error
    return tuple(mappings)


def odd_triggers(mappings: Sequence[Subscription]) -> list[str]:
    """One sentence, with the mapping's name, for each probable mistake in a trigger."""
    return [
        f"mapping {mapping.name!r}, trigger: {note.message}"
        for mapping in mappings
        for note in lint_trigger(mapping.trigger)
    ]
