"""A trigger's meaning in words."""

from typing import Final

from optilocal.forwarder.destination.trigger import Trigger
from optilocal.forwarder.javascript.values import number_to_string

_WORDS: Final = {
    "=": "is {}",
    "!=": "is not {}",
    "number_equals": "is the number {}",
    "number_not_equals": "is a number other than {}",
    "<": "is a number below {}",
    "<=": "is a number of {} or less",
    ">": "is a number above {}",
    ">=": "is a number of {} or more",
    "contains": "contains {}",
    "not_contains": "is a text without {}",
    "starts_with": "begins with {}",
    "not_starts_with": "is a text that does not begin with {}",
    "ends_with": "ends with {}",
    "not_ends_with": "is a text that does not end with {}",
    "exists": "is there",
    "not_exists": "is not there",
    "is_true": "is true",
    "is_false": "is false",
}


def in_words(trigger: Trigger) -> str:
    """One sentence about the events that the trigger matches."""
    if trigger.conditions is None:
        return "No event sets it off: it cannot be parsed."
    return f"An event sets it off when {_level(trigger.conditions)}."


def _level(conditions: tuple[object, ...]) -> str:
    word, *parts = conditions
    return f" {word} ".join(map(_part, parts))


def _part(part: object) -> str:
    if not isinstance(part, tuple):
        return "nothing (an empty pair of parentheses, which fails)"
    if part[0] in ("and", "or"):
        return f"({_level(part)})"
    name, operator, expected = part
    words = _WORDS.get(str(operator))
    if words is None:
        return f"{name} {operator} {_shown(expected)}, which never holds"
    return f"{name} {words.format(_shown(expected))}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return number_to_string(value) if isinstance(value, int | float) else f"“{value}”"
