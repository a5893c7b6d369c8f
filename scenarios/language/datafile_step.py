"""The step `datafile`: a path, a whole datafile, or a change of the one that is served."""

from typing import Any

from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.shapes import ANYTHING, MAPPING, YES_NO, Key, Shape, mapping_of
from optilocal.scenarios.language.yaml_nodes import NodePath

_CHANGE = mapping_of(
    set=Key(MAPPING, "path: value, for example experiments.checkout_test.status: Paused. !absent removes."),
    deactivated=Key(YES_NO, "The project is deactivated, or active again."),
    missing=Key(YES_NO, "The CDN does not know the datafile."),
    raw=Key(ANYTHING, "Any text in the datafile's place."),
    content_type=Key(ANYTHING, "With raw: the content type it is served with."),
    status=Key(ANYTHING, "With raw: the status it is served with."),
)
_CHANGES = ("set", "deactivated", "raw", "missing")


def _check_datafile(checker: Checker, path: NodePath, value: Any) -> None:
    if isinstance(value, str):
        return
    if not checker.kind(value, path, dict, "a mapping or the path of a datafile", "datafile"):
        return
    if "version" in value or "experiments" in value:
        return  # a whole new datafile, checked as one
    _CHANGE.check(checker, path, value, "datafile")
    if sum(key in value for key in _CHANGES) != 1 and set(value) <= set(_CHANGE.keys or ()):
        checker.problem(
            path, "datafile takes one of: set, deactivated, raw, missing, or a whole new datafile"
        )
    for key in ("content_type", "status"):
        if key in value and "raw" not in value:
            checker.problem((*path, key), f"datafile: {key} goes with raw", at_key=True)


def datafile_summary(arguments: Any) -> str:
    """How the step reads in a report."""
    if not isinstance(arguments, dict):
        return str(arguments)
    return f"revision {arguments['whole'].get('revision')}" if "whole" in arguments else ", ".join(arguments)


DATAFILE = Shape(
    "a path, a datafile, or a change of it",
    also=_check_datafile,
    schema={
        "anyOf": [
            {"type": "string"},
            {"type": "object", "anyOf": [{"required": ["version"]}, {"required": ["experiments"]}]},
            {
                **_CHANGE.as_schema(),
                "oneOf": [{"required": [key]} for key in _CHANGES],
                "dependentRequired": {"content_type": ["raw"], "status": ["raw"]},
            },
        ]
    },
)
"""What the step takes."""
