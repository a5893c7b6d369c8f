"""What a scenario says of Segment before the mappings: its keys, and each part read as the forwarder reads it."""

import re
from collections.abc import Mapping
from typing import Any

from optilocal.forwarder.stages.destination_filters import ACTIONS, MAX_FILTERS, MAX_TITLE
from optilocal.forwarder.stages.plan import with_plan_read
from optilocal.forwarder.stages.platform import PARTS, Platform
from optilocal.forwarder.stages.shape import ShapeError
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.shapes import Key, Shape
from optilocal.scenarios.language.yaml_nodes import NodePath

_TEXTS = {"type": "array", "items": {"type": "string"}}
_FILTER = {
    "type": "object",
    "required": ["title", "if", "actions"],
    "properties": {
        "title": {"type": "string", "maxLength": MAX_TITLE},
        "if": {"type": "string", "description": "FQL, or `all`."},
        "actions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"enum": list(ACTIONS)},
                    "fields": {"type": "object", "additionalProperties": _TEXTS},
                    "percent": {"type": "number", "minimum": 0, "maximum": 1},
                    "path": {"type": "string"},
                },
            },
        },
        "enabled": {"type": "boolean"},
    },
}
BEFORE_MAPPINGS: Mapping[str, Key] = {
    "filters": Key(
        Shape("a list", (list,), schema={"type": "array", "maxItems": MAX_FILTERS, "items": _FILTER}),
        "The destination's filters, in the shape of Segment's Public API: [{title, if, actions, enabled}].",
    ),
    "consent": Key(
        Shape(
            "a mapping",
            (dict,),
            schema={"type": "object", "properties": {"categories": _TEXTS, "otherCategories": _TEXTS}},
        ),
        "The consent categories that the destination is mapped to: {categories: [advertising]}.",
    ),
    "schema": Key(
        Shape(
            "a mapping",
            (dict,),
            schema={
                "type": "object",
                "properties": {
                    "plan": {"type": ["string", "object", "array"]},
                    "settings": {"type": "object"},
                    "blockedEvents": {"type": "object"},
                },
            },
        ),
        "The source's schema controls: {plan: FILE or the plan, settings: {track: {allowUnplannedEvents: false}}}.",
    ),
    "schema_filter": Key(
        Shape("a mapping", (dict,), schema={"type": "object", "additionalProperties": {"type": "boolean"}}),
        "The source's schema integration filter: {EVENT: false} keeps the event from this destination.",
    ),
    "transformations": Key(
        Shape(
            "a list",
            (list,),
            schema={"type": "array", "items": {"type": "object", "required": ["name", "if"]}},
        ),
        "Transformations in the shape of Segment's Public API: [{name, if, newEventName}].",
    ),
}
"""The keys, which a folder's defaults may have too. What stands behind them is checked by the forwarder's own readers."""

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")


def read_parts(checker: Checker, value: Mapping[str, Any], above: Platform) -> Platform:
    """The parts that a document names, over those that it inherits; every mistake is noted with its place."""
    platform = above
    for part in PARTS:
        if part not in value:
            continue
        checker.no_matchers(value[part], (part,), part)
        try:
            configured = value[part]
            if part == "schema":
                configured = with_plan_read(configured, checker.document.file.parent)
            platform = platform.with_json(part, configured)
        except ShapeError as error:
            for violation in error.violations:
                checker.problem(_node(violation.field), f"{violation.field}: {violation.message}")
    return platform


def _node(field: str) -> NodePath:
    """`filters[0].if` → the path of the node."""
    steps = _STEP.findall(field)
    return tuple(int(step[1:-1]) if step.startswith("[") else step for step in steps)
