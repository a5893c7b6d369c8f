"""What may stand in each kind of step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optilocal.emulator.wire.faults import BREAKS, SURFACES
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import meant
from optilocal.scenarios.language.scenario import STEP_KINDS
from optilocal.scenarios.language.times import duration_ms
from optilocal.scenarios.language.yaml_nodes import NodePath

REGULATIONS = (
    "SUPPRESS_WITH_DELETE", "DELETE_ONLY", "SUPPRESS_ONLY", "UNSUPPRESS", "DELETE_INTERNAL",
    "SUPPRESS_WITH_DELETE_INTERNAL", "DELETE_ARCHIVE_ONLY",
)  # fmt: skip


def check_steps(checker: Checker, steps: Any) -> bool:
    """Check the list of steps. False when one of them is too broken to look any further."""
    if not checker.kind(steps, ("steps",), list, "a list", "steps"):
        return False
    if not steps:
        checker.problem(("steps",), "steps is empty: a scenario needs at least one step")
    before = len(checker.problems)
    for index, step in enumerate(steps):
        path = ("steps", index)
        if not isinstance(step, dict) or len(step) != 1:
            checker.problem(
                path, "a step is one mapping with one key, for example `- track: {event: Order Completed}`"
            )
            continue
        kind, arguments = next(iter(step.items()))
        if kind not in STEP_KINDS:
            checker.problem(
                (*path, kind),
                f"unknown step {kind!r}{meant(kind, STEP_KINDS)}; there are {', '.join(STEP_KINDS)}",
            )
            continue
        _STEP_CHECKS.get(kind, _check_source_call)(checker, (*path, kind), kind, arguments)
    return len(checker.problems) == before


_CALL_KEYS = ("userId", "anonymousId", "messageId", "timestamp", "context", "integrations")
CALL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "track": ("event", "properties"),
    "identify": ("traits",),
    "page": ("name", "category", "properties"),
    "screen": ("name", "category", "properties"),
    "group": ("groupId", "traits"),
    "alias": ("previousId",),
}


def _check_source_call(checker: Checker, path: NodePath, kind: str, arguments: Any) -> None:
    if arguments is None and kind in ("page", "screen"):
        return
    required = ("event",) if kind == "track" else ("groupId",) if kind == "group" else ()
    if checker.keys(arguments, path, (*CALL_FIELDS[kind], *_CALL_KEYS), kind, required):
        for key, item in arguments.items():
            if not (isinstance(item, Matcher) and item.tag == "!absent"):
                checker.no_matchers(item, (*path, key), kind)


DECIDE_OPTIONS = (
    "DISABLE_DECISION_EVENT", "ENABLED_FLAGS_ONLY", "IGNORE_USER_PROFILE_SERVICE", "INCLUDE_REASONS", "EXCLUDE_VARIABLES",
    "IGNORE_CMAB_CACHE", "RESET_CMAB_CACHE", "INVALIDATE_USER_CMAB_CACHE",
)  # fmt: skip
"""The names of the SDK's OptimizelyDecideOption."""


def _check_decide(checker: Checker, path: NodePath, kind: str, arguments: Any) -> None:
    names = ("user", "flag") if kind == "decide" else ("user", "experiment")
    own = ("options", "segments") if kind == "decide" else ("variation",)
    allowed = (*names, *own, "attributes")
    if not checker.keys(arguments, path, allowed, kind, names):
        return
    checker.no_matchers(arguments, path, kind)
    for key in (*names, "variation"):
        if key in arguments:
            checker.kind(arguments[key], (*path, key), str, "a text (quote it)", f"{kind}: {key}")
    if "attributes" in arguments:
        checker.kind(arguments["attributes"], (*path, "attributes"), dict, "a mapping", f"{kind}: attributes")
    for key, what in (("options", "an option"), ("segments", "a segment")):
        if key in arguments and checker.kind(arguments[key], (*path, key), list, "a list", f"decide: {key}"):
            for index, item in enumerate(arguments[key]):
                place = (*path, key, index)
                if checker.kind(item, place, str, "a text", what) and key == "options":
                    _check_option(checker, place, item)


def _check_option(checker: Checker, path: NodePath, option: str) -> None:
    if option not in DECIDE_OPTIONS:
        checker.problem(
            path,
            f"unknown option {option!r}{meant(option, DECIDE_OPTIONS)}; there are {', '.join(DECIDE_OPTIONS)}",
        )


def _check_forget(checker: Checker, path: NodePath, _: str, arguments: Any) -> None:
    if arguments not in (None, {}):
        checker.problem(path, "forget takes nothing: `- forget: {}`")


def _check_delete(checker: Checker, path: NodePath, _: str, arguments: Any) -> None:
    if not checker.keys(arguments, path, ("userId", "anonymousId", "regulation"), "delete", ("userId",)):
        return
    checker.kind(arguments.get("userId", ""), (*path, "userId"), str, "a text (quote it)", "delete: userId")
    regulation = arguments.get("regulation", REGULATIONS[0])
    if regulation not in REGULATIONS:
        checker.problem(
            (*path, "regulation"),
            f"unknown regulation {regulation!r}{meant(regulation, REGULATIONS)}; there are {', '.join(REGULATIONS)}",
        )


def _check_wait(checker: Checker, path: NodePath, _: str, arguments: Any) -> None:
    checker.attempt(path, duration_ms, arguments)


_FAULT_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "on": (str, "a text"), "phase": (str, "a text"), "status": (int, "a number"), "body": (str, "a text"),
    "headers": (dict, "a mapping"), "latency_ms": ((int, float), "a number"), "break": (str, "a text"),
    "skip": (int, "a number"), "times": ((int, type(None)), "a number"), "chance": ((int, float), "a number"),
    "seed": (int, "a number"),
}  # fmt: skip
_FAULT_WORDS = {
    "on": SURFACES,
    "phase": ("before", "after"),
    "break": BREAKS,
}


def _check_fault(checker: Checker, path: NodePath, _: str, arguments: Any) -> None:
    if isinstance(arguments, list):
        for index, rule in enumerate(arguments):
            _check_rule(checker, (*path, index), rule)
    else:
        _check_rule(checker, path, arguments)


def _check_rule(checker: Checker, path: NodePath, arguments: Any) -> None:
    if not checker.keys(arguments, path, _FAULT_TYPES, "fault", ("on",)):
        return
    for key, value in arguments.items():
        if key in _FAULT_TYPES:
            types, name = _FAULT_TYPES[key]
            if checker.kind(
                value, (*path, key), types, name, f"fault: {key}"
            ) and value not in _FAULT_WORDS.get(key, (value,)):
                choices = _FAULT_WORDS[key]
                checker.problem(
                    (*path, key), f"fault: {key} must be one of {', '.join(choices)}{meant(value, choices)}"
                )


_CHANGES = ("set", "deactivated", "raw", "content_type", "status", "missing")


def _check_datafile_step(checker: Checker, path: NodePath, _: str, arguments: Any) -> None:
    if isinstance(arguments, str):
        return
    if not checker.kind(arguments, path, dict, "a mapping or the path of a datafile", "datafile"):
        return
    checker.no_matchers({k: v for k, v in arguments.items() if k != "set"}, path, "datafile")
    if "version" in arguments or "experiments" in arguments:
        return  # a whole new datafile, checked as one
    if not checker.keys(arguments, path, _CHANGES, "datafile"):
        return
    kinds = [key for key in ("set", "deactivated", "raw", "missing") if key in arguments]
    if len(kinds) != 1:
        checker.problem(
            path, "datafile takes one of: set, deactivated, raw, missing, or a whole new datafile"
        )
    if "set" in arguments:
        checker.kind(arguments["set"], (*path, "set"), dict, "a mapping of path: value", "datafile: set")
    for key in ("deactivated", "missing"):
        if key in arguments:
            checker.kind(arguments[key], (*path, key), bool, "true or false", f"datafile: {key}")
    for key in ("content_type", "status"):
        if key in arguments and "raw" not in arguments:
            checker.problem((*path, key), f"datafile: {key} goes with raw")


_STEP_CHECKS: Mapping[str, Callable[[Checker, NodePath, str, Any], None]] = {
    "decide": _check_decide,
    "activate": _check_decide,
    "forget": _check_forget,
    "delete": _check_delete,
    "wait": _check_wait,
    "fault": _check_fault,
    "datafile": _check_datafile_step,
}
