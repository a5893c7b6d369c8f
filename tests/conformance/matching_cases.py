"""Triggers made from the very event that they look at, so that most of them match, and the rest miss by one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

OPERATORS = (
    "=", "!=", "number_equals", "number_not_equals", "<", "<=", ">", ">=", "contains", "not_contains", "starts_with",
    "not_starts_with", "ends_with", "not_ends_with", "exists", "not_exists", "is_true", "is_false",
)  # fmt: skip
"""Every test that Segment's `@segment/destination-subscriptions` knows, by its own name."""
_KEYS = st.sampled_from(["a", "b", "plan", "revenue", "key", "total_2", "é", "items"])
_WORD = st.text("abAB é-_.1", min_size=2, max_size=6)
_NUMBER = st.integers(-50, 50) | st.sampled_from([0.5, 19.99, 1000, 49.5])
_NUMERIC = ("number_equals", "number_not_equals", "<", "<=", ">", ">=")
_MATCHING = {"starts_with": "match", "ends_with": "match", "contains": "contains"}


@dataclass(frozen=True)
class Matching:
    """One line for the preview: an event with a trigger of its own; `operators` are those of its conditions, which an "and"
    joins, so that all of them hold when the trigger does.
    """

    line: dict[str, Any]
    operators: tuple[str, ...]


@st.composite
def matching(draw: st.DrawFn) -> Matching:
    """An event with a value of every kind below `properties`, `traits` or `context`, and four to nine conditions.

    Of every four triggers three hold; in the fourth one condition misses, if it can by one.
    """
    event, paths = draw(_events())
    operators = draw(st.lists(st.sampled_from(OPERATORS), min_size=4, max_size=9))
    missing = draw(st.sampled_from([-1, -1, -1, draw(st.integers(0, len(operators) - 1))]))
    conditions = [
        draw(_condition(paths, operator, holds=place != missing)) for place, operator in enumerate(operators)
    ]
    line = {"op": "fql", "event": event, "subscription": " and ".join(conditions)}
    return Matching(line, tuple(operators))


@st.composite
def _events(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """An event, and by the kind of their values its paths with the values; `missing` ones have none."""
    paths: dict[str, dict[str, Any]] = {kind: {} for kind in ("text", "number", "true", "false", "missing")}
    event: dict[str, Any] = {"type": "track", "messageId": "m-1"}
    for name in ("event", "userId"):
        event[name] = paths["text"][name] = draw(_WORD)
    for value in (_WORD, _NUMBER, st.just(True), st.just(False)):
        for _ in range(draw(st.integers(1, 2))):
            path = draw(_path)
            _put(event, path, draw(value))
    for root in ("properties", "traits", "context"):
        _collect(event.get(root), root, paths)
    for kind, value in (("text", "ab"), ("number", 7), ("true", True), ("false", False)):
        if not paths[kind] or set(paths[kind]) <= {"event", "userId"}:
            # A later value may have taken the place of an earlier one.
            _put(event, ("properties", f"own_{kind}"), value)
            paths[kind][f"properties.own_{kind}"] = value
    gone = draw(_path)
    _put(event, ("traits", "nothing"), None)
    paths["missing"] = {"traits.nothing": None, f"{gone[0]}.not_there": None}
    return event, paths


_path = st.tuples(st.sampled_from(["properties", "traits", "context"]), _KEYS) | st.tuples(
    st.sampled_from(["properties", "context"]), _KEYS, _KEYS
)


def _put(event: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    place = event
    for part in path[:-1]:
        if not isinstance(place.get(part), dict):
            place[part] = {}
        place = place[part]
    place[path[-1]] = value


def _collect(value: Any, path: str, paths: dict[str, dict[str, Any]]) -> None:
    if isinstance(value, dict):
        for key, member in value.items():
            _collect(member, f"{path}.{key}", paths)
    elif isinstance(value, bool):
        paths["true" if value else "false"][path] = value
    elif isinstance(value, int | float):
        paths["number"][path] = value
    elif isinstance(value, str):
        paths["text"][path] = value


@st.composite
def _condition(draw: st.DrawFn, paths: dict[str, dict[str, Any]], operator: str, *, holds: bool) -> str:
    if operator in _NUMERIC:
        path, value = draw(st.sampled_from(sorted(paths["number"].items())))
        shown = {"number_equals": "=", "number_not_equals": "!="}.get(operator, operator)
        return f"{path} {shown} {json.dumps(_other_side(draw, operator, value, holds=holds))}"
    if operator in ("is_true", "is_false"):
        kind = operator.removeprefix("is_")
        path = draw(
            st.sampled_from(sorted(paths[kind if holds else {"true": "false", "false": "true"}[kind]]))
        )
        return f"{path} = {kind}"
    if operator in ("exists", "not_exists"):
        missing = (operator == "not_exists") is holds
        kinds = ("missing",) if missing else ("text", "number", "true", "false")
        path = draw(st.sampled_from(sorted(path for kind in kinds for path in paths[kind])))
        return f"{path} {'=' if operator == 'not_exists' else '!='} null"
    path, text = draw(st.sampled_from(sorted(paths["text"].items())))
    return draw(_text_condition(path, text, operator, holds=holds))


def _other_side(draw: st.DrawFn, operator: str, value: float, *, holds: bool) -> float:
    """The number to compare `value` with: the very same one, or one to a side, as it has to be for the condition to hold."""
    below, above = round(value - 1, 2), round(value + 1, 2)
    fitting = {
        "number_equals": ([value], [below, above]),
        "number_not_equals": ([below, above], [value]),
        "<": ([above], [value, below]),
        "<=": ([value, above], [below]),
        ">": ([below], [value, above]),
        ">=": ([value, below], [above]),
    }[operator]
    return draw(st.sampled_from(fitting[0 if holds else 1]))


@st.composite
def _text_condition(draw: st.DrawFn, path: str, text: str, operator: str, *, holds: bool) -> str:
    negated, plain = operator.startswith("not_"), operator.removeprefix("not_")
    if operator in ("=", "!="):
        same = (operator == "=") is holds
        other = text if same else draw(st.sampled_from([f"{text}a", text[:-1], text.swapcase() + "x"]))
        return f'{path} {operator} "{other}"'
    cut = draw(st.integers(1, len(text)))
    part = {"contains": text[cut - 1 :], "starts_with": text[:cut], "ends_with": text[-cut:]}[plain]
    if holds is negated:
        # "Z" is in no text, so one more letter of it at either end makes the part another one.
        part = draw(st.sampled_from([f"{part}Z", f"Z{part}"]))
    if draw(st.booleans()):
        return f'{path} {operator} "{part}"'
    argument = {"contains": part, "starts_with": f"{part}*", "ends_with": f"*{part}"}[plain]
    return f'{"!" if negated else ""}{_MATCHING[plain]}({path}, "{argument}")'
