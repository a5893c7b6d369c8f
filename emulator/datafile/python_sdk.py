"""What Optimizely's own Python SDK refuses about a datafile that other SDKs may take, with the place of each reason.

The SDK says "Provided "datafile" is in an invalid format." and no more; why stands in its JSON schema
(`optimizely/helpers/constants.py`, `JSON_SCHEMA`) and in what its reader (`optimizely/project_config.py`) asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = {
    "array": "a list",
    "boolean": "a boolean",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def python_sdk_refusals(datafile: Mapping[str, Any]) -> list[str]:
    """Every reason why the Python SDK takes no such datafile, as sentences that name the place; empty when it takes it."""
    # Slow to import: whoever serves no datafile and runs no scenario does without.
    from jsonschema import Draft4Validator  # noqa: PLC0415
    from optimizely.helpers.constants import JSON_SCHEMA  # noqa: PLC0415

    errors = sorted(
        Draft4Validator(JSON_SCHEMA).iter_errors(dict(datafile)), key=lambda error: str(error.path)
    )
    found = [_sentence(error, datafile, ()) for error in errors]
    return found or _reader_refusals(datafile, JSON_SCHEMA)


def _reader_refusals(datafile: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """What the reader stumbles on though the schema has nothing against it.

    It asks of a rollout's rules what the schema asks of experiments alone.
    """
    from jsonschema import Draft4Validator  # noqa: PLC0415
    from optimizely.error_handler import NoOpErrorHandler  # noqa: PLC0415
    from optimizely.logger import NoOpLogger  # noqa: PLC0415
    from optimizely.project_config import ProjectConfig  # noqa: PLC0415

    try:
        ProjectConfig(json.dumps(datafile), NoOpLogger(), NoOpErrorHandler)
    except Exception as error:  # whatever the reader stumbles on, the SDK takes for a refusal
        rule = Draft4Validator(schema["properties"]["experiments"])
        rules = [
            _sentence(wrong, datafile, place)
            for place, experiments in _rollouts(datafile)
            for wrong in rule.iter_errors(experiments)
        ]
        return rules or [f"its reader ends with {type(error).__name__}: {error}"]
    return []


def _rollouts(datafile: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    for index, rollout in enumerate(datafile.get("rollouts") or ()):
        if isinstance(rollout, dict):
            yield ("rollouts", index, "experiments"), rollout.get("experiments")


def _sentence(error: Any, datafile: Any, below: tuple[str | int, ...]) -> str:
    path = (*below, *error.path)
    if error.validator == "required":
        (missing,) = re.findall(r"'(.*)' is a required property", error.message)
        return f"{_place(path, datafile)} has no {missing!r}"
    if error.validator == "type":
        return f"{_place(path, datafile)} must be {_TYPES[error.validator_value]}, it is {_type_name(error.instance)}"
    return f"{_place(path, datafile)}: {error.message}"


def _place(path: tuple[str | int, ...], datafile: Any) -> str:
    """`experiments[0].variations[1] (key 'on')`; "it" is the datafile itself."""
    text, value = "", datafile
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        value = value[part]
    if isinstance(value, dict) and isinstance(value.get("key"), str):
        text += f" (key {value['key']!r})"
    return text or "it"


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return _TYPES[names.get(type(value), "object")]
