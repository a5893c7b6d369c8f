"""The changes that filters and transformations make to an event: drop or allow properties, sample, move and set.

As in npm `@segment/tsub` 2.0.1 (src/transformers.ts), which says that it follows Segment's own server. Events are not
changed in place: each function returns a changed copy, or the event itself.
"""

import hashlib
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any

from optilocal.forwarder.fql.paths import MISSING, changed_at, set_at, split_path, value_at, without
from optilocal.forwarder.javascript.json import to_json

Fields = Mapping[str, Sequence[str]]
"""Path → names of properties there; the path "" is the event itself. For a list they are properties of its items."""


def drop_properties(event: Any, fields: Fields) -> Any:
    """The event without the named properties."""
    return _at_each(event, fields, lambda holder, names: _filtered(holder, lambda name: name not in names))


def allow_properties(event: Any, fields: Fields) -> Any:
    """The event with the named properties alone at each path; the rest of the event stays."""
    return _at_each(event, fields, lambda holder, names: _filtered(holder, lambda name: name in names))


def _at_each(
    event: Any, fields: Fields, change: Callable[[dict[str, Any], Collection[str]], dict[str, Any]]
) -> Any:
    for path, names in fields.items():

        def of_holder(holder: Any, names: Collection[str] = names) -> Any:
            if isinstance(holder, list):
                items = [change(item, names) if isinstance(item, dict) else item for item in holder]
                return holder if all(map(operator.is_, items, holder)) else items
            return change(holder, names) if isinstance(holder, dict) else holder

        event = changed_at(event, split_path(path) if path else (), of_holder)
    return event


def _filtered(holder: dict[str, Any], keep: Callable[[str], bool]) -> dict[str, Any]:
    left = {name: value for name, value in holder.items() if keep(name)}
    return holder if len(left) == len(holder) else left


def is_sampled(event: Any, percent: float, path: str | None, random: Random) -> bool:
    """Whether an event is in the sample: `percent` from 0, none, to 1, all.

    Without a path chance decides. With one the value there decides: the first 64 bits of the md5 of its JSON text, as a
    fraction of 1, must be below `percent`. A missing value is hashed as null (assumed).
    """
    if percent <= 0:
        return False
    if percent >= 1:
        return True
    if not path:
        return random.random() <= percent
    value = value_at(event, split_path(path))
    text = to_json(None if value is MISSING else value)
    digest = hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < percent


def map_properties(event: Any, moves: Mapping[str, str], values: Mapping[str, Any]) -> Any:
    """The event with properties moved (new path → old path), then set (path → value).

    What is moved is read from the event as given. A property whose object is missing there is neither moved nor set.
    """
    before = event
    for path, old_path in moves.items():
        parts, old = split_path(path), split_path(old_path)
        if isinstance(value_at(before, parts[:-1]), dict | list):
            value = value_at(before, old)
            event = without(event if value is MISSING else set_at(event, parts, value), old)
    for path, value in values.items():
        parts = split_path(path)
        if isinstance(value_at(before, parts[:-1]), dict | list):
            event = set_at(event, parts, value)
    return event
