"""JSON Schema of a scenario document and of a folder's defaults, from the tables that the loader checks by."""

from collections.abc import Mapping
from typing import Any

from optilocal.scenarios.language.document import DOCUMENT, SHARED
from optilocal.scenarios.language.matchers import LIST_TAGS, TAGS
from optilocal.scenarios.language.shapes import Key
from optilocal.scenarios.language.steps import STEPS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NAME = "\\$\\{[^{}]+\\}"
_PLACEHOLDER = {"description": "A value of the row: ${name}.", "type": "string", "pattern": _NAME}
_BEHIND_TAGS: Mapping[str, dict[str, Any]] = {
    "!any": {"type": "null", "description": "Anything, but it is there."},
    "!absent": {"type": "null", "description": "It is not there."},
    "!uuid": {"type": "null", "description": "A UUID, Segment's prefix allowed."},
    "!timestamp": {"type": "null", "description": "Epoch milliseconds, or ISO 8601 text."},
    "!regex": {"type": "string", "description": "A text in which this regular expression is found."},
    "!approx": {
        "description": "A number this close: 49.99, or [49.99, 0.5] with how far off it may be.",
        "anyOf": [
            {"type": "number"},
            {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
        ],
    },
    "!contains": {
        "description": "A list with these items, a mapping with these entries, or a text with this in it."
    },
    "!unordered": {"type": "array", "description": "A list of these items in any order."},
}


def scenario_schema() -> dict[str, Any]:
    """Of one YAML document of a `*.scenario.yaml` file, matchers as JSON: `{"!regex": "^order-"}`."""
    about = (
        "One YAML document of a *.scenario.yaml file: what users do, what their Segment source sends, "
        "and what is expected to come of it."
    )
    schema = _schema("scenario", "optilocal scenario", about, DOCUMENT)
    schema["required"] = [name for name, key in DOCUMENT.items() if key.required]
    schema["properties"]["expect"]["minProperties"] = 1
    schema["$defs"] = {"placeholder": _PLACEHOLDER, "matcher": _matcher(), "step": _step()}
    return schema


def defaults_schema() -> dict[str, Any]:
    """Of a `scenario-defaults.yaml` file."""
    about = (
        "A scenario-defaults.yaml file: what the scenarios in its folder and below share. "
        "What a scenario says itself wins."
    )
    schema = _schema("defaults", "optilocal scenario defaults", about, SHARED)
    schema["$defs"] = {"placeholder": _PLACEHOLDER}
    return schema


def _schema(name: str, title: str, about: str, keys: Mapping[str, Key]) -> dict[str, Any]:
    return {
        "$schema": _DRAFT,
        "$id": f"urn:optilocal:schema:{name}:1",
        "title": title,
        "description": about,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: key.shape.as_schema(key.says) for name, key in keys.items()},
    }


def _step() -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "patternProperties": {_NAME: {"description": "The kind of step is the row's."}},
        "properties": {name: kind.takes.as_schema(kind.says) for name, kind in STEPS.items()},
    }


def _matcher() -> dict[str, Any]:
    assert set(_BEHIND_TAGS) == {*TAGS, *LIST_TAGS}
    as_json = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": dict(_BEHIND_TAGS),
    }
    bare = {
        "description": "How an editor that knows the tags sees one with nothing behind it.",
        "enum": ["", None],
    }
    about = 'A matcher in place of a value, as JSON: {"!regex": "^order-"}. In YAML it is the tag: !regex "^order-".'
    return {"description": about, "anyOf": [as_json, bare]}
