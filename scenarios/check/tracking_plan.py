"""A Segment tracking plan: today's Public API export, `rules: [{type, key, jsonSchema}]`, and the older `rules.events`."""

from collections.abc import Mapping
from typing import Any

from optilocal.emulator.json_text import as_object
from optilocal.forwarder.stages.plan import is_deprecated, layer, plan_rules, properties, rule_schema
from optilocal.scenarios.check.json_lines import JsonText
from optilocal.scenarios.check.tracked import Place, Planned, Reading, Tracked

_NAME_KEYS = ("key", "name", "event")


def is_plan(value: Any) -> bool:
    """Whether parsed JSON has the shape of a tracking plan."""
    return plan_rules(value) is not None


def read_plan(value: Any, text: str, file: str) -> Reading:
    """The track rules of a plan, deprecated ones passed over; `value` is the parsed `text`."""
    reading = Reading(file, "tracking plan")
    places = JsonText(text)
    for rule in plan_rules(value) or ():
        kind = str(rule.get("type") or "TRACK").upper()
        name = rule.get("key", rule.get("name"))
        schema = rule_schema(rule.get("jsonSchema", rule.get("rules")), kind)
        if kind == "IDENTIFY":
            for trait in properties(layer(schema, "traits")):
                reading.identify_traits.setdefault(trait, Place(file))
        if kind != "TRACK" or not isinstance(name, str):
            reading.pass_over(kind.lower())
            continue
        line = places.line_of_name(_NAME_KEYS, name)
        if is_deprecated(rule):
            reading.pass_over("deprecated")
            continue
        reading.tracked.append(Tracked(name, "tracking plan", Place(file, line), planned=_planned(schema)))
    for trait in _identify_traits(value):
        reading.identify_traits.setdefault(trait, Place(file))
    return reading


def _identify_traits(value: Any) -> list[str]:
    """The older export lists identify's traits beside its events."""
    rules = as_object(as_object(value).get("rules"))
    traits: list[str] = []
    for key in ("identify_traits", "user_traits", "identify"):
        listed = rules.get(key)
        if isinstance(listed, list):
            traits.extend(str(item["name"]) for item in listed if isinstance(item, dict) and "name" in item)
        else:
            traits.extend(properties(layer(as_object(listed), "traits")))
    return traits


def _planned(schema: Mapping[str, Any]) -> Planned:
    planned = properties(layer(schema, "properties"))
    traits = properties(layer(layer(schema, "context"), "traits"))
    return Planned(
        revenue=_types(planned.get("revenue")),
        nested={
            key: example for key, item in planned.items() if (example := _nested_example(item)) is not None
        },
        traits={key: _types(item) for key, item in traits.items()},
        top_traits=tuple(properties(layer(schema, "traits"))),
    )


def _nested_example(schema: Any) -> Any:
    """An array or an object that the schema of one property allows; None where it allows neither."""
    types = _types(schema)
    if "array" in types or (not types and "items" in as_object(schema)):
        return [{}]
    return {} if "object" in types or (not types and "properties" in as_object(schema)) else None


def _types(schema: Any) -> tuple[str, ...]:
    declared = as_object(schema).get("type")
    types = declared if isinstance(declared, list) else [declared]
    return tuple(str(name) for name in types if name is not None and name != "null")
