"""What may stand in a scenario document and in a folder's defaults, and the check that finds every mistake in them."""

from collections.abc import Mapping
from typing import Any

from optilocal.scenarios.language.before_mappings import BEFORE_MAPPINGS
from optilocal.scenarios.language.checker import Checker
from optilocal.scenarios.language.problems import CannotRun, alternatives
from optilocal.scenarios.language.shapes import (
    ANYTHING,
    LIST,
    MAPPING,
    TEXT,
    WHOLE,
    YES_NO,
    Key,
    Shape,
    list_of,
    mapping_of,
    one_of,
    read_by,
)
from optilocal.scenarios.language.steps import check_steps
from optilocal.scenarios.language.times import clock_ms
from optilocal.scenarios.language.yaml_nodes import NodePath

OUTCOMES = (
    "suppressed_user", "duplicate", "blocked_by_schema", "consent_refused", "filtered", "not_subscribed",
    "invalid_payload", "datafile_unavailable", "project_deactivated", "unmatched_event_key", "delivery_failed",
    "wrong_account", "no_experiment", "experiment_not_running", "unidentified_user", "user_not_activated",
    "activated_too_late", "excluded", "counted",
)  # fmt: skip
CONDITIONS = {
    "event_key_matches": "The event key is in the datafile.",
    "experiment_running": "An experiment with this metric is running.",
    "user_identified": "The event has a userId.",
    "user_activated": "The visitor was activated before.",
}


def _check_name(checker: Checker, path: NodePath, value: str) -> None:
    if not value.strip():
        checker.problem(path, "scenario needs a name: a sentence that says what must hold")


def _check_not_empty(checker: Checker, path: NodePath, value: dict[str, Any]) -> None:
    if not value:
        checker.problem(path, f"expect is empty: it checks nothing; there are {', '.join(EXPECTATIONS)}")


def _check_conditions(checker: Checker, path: NodePath, value: Any) -> None:
    if isinstance(value, dict):
        checker.keys(value, path, CONDITIONS, "conditions")


VERDICT = mapping_of(
    outcome=Key(one_of(*OUTCOMES).expected(), "What became of the event."),
    attributed_to=Key(ANYTHING, "[{experiment, variation}, …] by key; !unordered where there are several."),
    sent=Key(ANYTHING, "The body of the event batch; what is named is compared."),
    conditions=Key(
        Shape(
            "a mapping",
            also=_check_conditions,
            schema={
                "if": {"type": "object", "not": {"$ref": "#/$defs/matcher"}},
                "then": {
                    "additionalProperties": False,
                    "properties": {name: {"description": says} for name, says in CONDITIONS.items()},
                },
            },
        ),
        "Segment's four conditions: true, false, or null where it was not looked at.",
    ),
    details=Key(ANYTHING, "A list of sentences; use !contains."),
    warnings=Key(ANYTHING, "A list of {code, message}; use !contains."),
    nearest=Key(ANYTHING, "Event keys close to the one that matches none."),
    explanation=Key(ANYTHING, "The verdict's sentence; use !regex."),
    remedy=Key(ANYTHING, "What to change; use !regex."),
    message_id=Key(ANYTHING),
    event=Key(ANYTHING),
    event_key=Key(ANYTHING, "The key that Segment looked up in the datafile."),
    user_id=Key(ANYTHING),
    anonymous_id=Key(ANYTHING),
    visitor_id=Key(ANYTHING, "The visitor that Optimizely saw."),
    uuid=Key(ANYTHING, "What Optimizely counts once: the event's messageId, unless mapped otherwise."),
    timestamp=Key(ANYTHING, "Epoch milliseconds, UTC."),
    kind=Key(ANYTHING),
    delivery=Key(ANYTHING, "What the forwarder reports: payload, requests, attempts, mappings."),
)
"""What `expect.tracks` may say of one verdict."""
_OF_SEGMENT = ("sent", "delivery", "message_id", "user_id", "anonymous_id")
CONVERSION = mapping_of(
    **{name: key for name, key in (VERDICT.keys or {}).items() if name not in _OF_SEGMENT}
)
"""What `expect.conversions` may say of one verdict: no Segment had anything to do with it."""
COUNTS = ("datafile", "events", "privacy")
EXPECTATIONS: Mapping[str, Key] = {
    "tracks": Key(
        list_of(VERDICT.expected(), "a track").expected(), "The verdict on each track step, in order."
    ),
    "conversions": Key(
        list_of(CONVERSION.expected(), "a conversion").expected(),
        "The verdict on each conversion that event_batch steps post, in order.",
    ),
    "received": Key(LIST.expected(), "The event batches with conversions, whole, in any order."),
    "results": Key(
        MAPPING.expected(),
        "experiment: {variation: {visitors: n, EVENT KEY: {unique, total, revenue, value}}}; revenue in cents.",
    ),
    "health": Key(
        MAPPING.expected(),
        "experiment: {status, sample_ratio, crossover, without_decision, one_visitor, idle_metrics}.",
    ),
    "subject_access_requests": Key(LIST.expected(), "What Optimizely was asked to erase, oldest first."),
    "requests": Key(
        mapping_of(**{name: Key(WHOLE.expected()) for name in COUNTS}),
        "How many requests the forwarder sent, retries included; a count that is not named is 0.",
    ),
}
"""The parts of `expect`."""
FIELDS = {
    "eventKey": "The event's key in Optimizely. Default: the event's name.",
    "userId": "The visitor. Default: userId, else anonymousId.",
    "attributes": "Default: the traits in the event's context.",
    "revenue": "Whole cents. Default: properties.revenue.",
    "value": "Default: properties.value.",
    "eventTags": "Default: the event's properties.",
    "timestamp": "Default: the event's timestamp.",
    "uuid": "Default: the event's messageId.",
}
"""The fields of the action, each with its default."""
MAPPING_KEYS = mapping_of(
    name=Key(TEXT),
    trigger=Key(TEXT, 'Segment\'s query language: type = "track" and event = "Order Completed"'),
    enabled=Key(YES_NO, "Default: true."),
    lint=Key(YES_NO, "false: the trigger is meant as it stands, though it looks like a mistake."),
    fields=Key(
        Shape(
            "a mapping of field: value",
            (dict,),
            schema={
                "type": "object",
                "additionalProperties": False,
                "patternProperties": {"^__": True},
                "properties": {name: {"description": says} for name, says in FIELDS.items()},
            },
        ),
        "Field: mapping. A field that is not named keeps the action's default; null clears it.",
    ),
)
SETTINGS = mapping_of(
    accountId=Key(ANYTHING, "Optimizely account id; quote it. Deletions name it."),
    dataFileUrl=Key(ANYTHING, "Where the destination fetches the datafile."),
    accessToken=Key(ANYTHING, "Personal access token; without it no deletion is asked for."),
)
SHARED: Mapping[str, Key] = {
    "tags": Key(list_of(TEXT, "a tag"), "Words to choose scenarios by: --tag, or pytest -m."),
    "datafile": Key(
        Shape("a path, a URL or a datafile", schema={"type": ["string", "object"]}),
        "The path of a datafile from this file's folder, its URL, or the datafile itself. "
        "Default: the shipped suite's shop.json.",
    ),
    "settings": Key(
        SETTINGS,
        "The destination's settings in Segment. Default: the datafile's account, and its address in the emulator.",
    ),
    "mappings": Key(
        Shape(
            "`default` or a list",
            schema={
                "anyOf": [
                    {"const": "default"},
                    {"type": "array", "maxItems": 50, "items": MAPPING_KEYS.as_schema()},
                ]
            },
        ),
        "The destination's mappings: `default`, or a list of at most 50.",
    ),
    **BEFORE_MAPPINGS,
    "clock": Key(
        read_by(clock_ms, "an ISO 8601 time", type="string", examples=["2026-01-15T10:00:00Z"]),
        "The time both sides start at, ISO 8601, UTC where it names no zone; each step is one second later.",
    ),
}
"""What a scenario and a folder's defaults may both say. Datafile and mappings are read by assembly, which checks them."""
_NAME = Shape(
    "a text", (str,), also=_check_name,
    schema={"type": "string", "pattern": "\\S"},
)  # fmt: skip
_PREDICTION = mapping_of(
    when=Key(MAPPING, "Attributes of the bandit, and the values they must have."),
    variation=Key(TEXT, required=True),
)
_PREDICTIONS = Shape(
    "a mapping of experiment: variation",
    (dict,),
    schema={
        "type": "object",
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "maxItems": 1000, "items": _PREDICTION.as_schema()},
            ]
        },
    },
)
DOCUMENT: Mapping[str, Key] = {
    "scenario": Key(_NAME, "Its name: a sentence that says what must hold.", required=True),
    "teaches": Key(TEXT, "What a reader learns from it, in a sentence."),
    "rows": Key(
        Shape("a list", schema={"type": "array", "minItems": 1, "items": {"type": "object"}}),
        "One scenario for each row: ${name} anywhere in the document stands for the row's value of that name.",
    ),
    **SHARED,
    "predictions": Key(
        _PREDICTIONS,
        "What the prediction service answers, by contextual bandit: a variation, or rows of which the first that holds "
        "decides.",
    ),
    "steps": Key(
        Shape("a list", schema={"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}),
        "What happens, in order.",
        required=True,
    ),
    "expect": Key(
        Shape("a mapping", (dict,), keys=EXPECTATIONS, also=_check_not_empty),
        "What must come of it. What is not named is not checked.",
        required=True,
    ),
}
"""Every key of a scenario document."""


def check_document(checker: Checker) -> bool:
    """Check everything that needs no datafile. False when the document is too broken to look any further."""
    value = checker.document.value
    required = [name for name, key in DOCUMENT.items() if key.required]
    if not checker.keys(value, (), DOCUMENT, "a scenario", required):
        return False
    steps_fine = "steps" in value and check_steps(checker, value["steps"])
    _check_keys(checker, value, {name: key for name, key in DOCUMENT.items() if name != "steps"})
    return steps_fine


def check_defaults(checker: Checker) -> bool:
    """Check a folder's defaults in the same way."""
    value = checker.document.value
    if not checker.keys(value, (), SHARED, "defaults"):
        return False
    _check_keys(checker, value, SHARED)
    return True


def _check_keys(checker: Checker, value: dict[str, Any], keys: Mapping[str, Key]) -> None:
    for name, key in keys.items():
        if name in value:
            key.shape.check(checker, (name,), value[name], name)
    checker.no_matchers(value.get("settings"), ("settings",), "settings")


def check_outcome(outcome: str | None) -> None:
    """Raise CannotRun for a word that is not an outcome."""
    if outcome is not None and outcome not in OUTCOMES:
        raise CannotRun(f"{outcome!r} is not an outcome{alternatives(outcome, OUTCOMES)}")


def nothing_expected(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a document without expectations is run with, so that whatever is captured is a difference."""
    steps = document.get("steps")
    steps = steps if isinstance(steps, list) else []
    kinds = {kind for step in steps if isinstance(step, dict) for kind in step}
    parts = {"track": "tracks", "event_batch": "conversions"}
    expected: dict[str, Any] = {part: [] for kind, part in parts.items() if kind in kinds}
    return expected or {"requests": dict.fromkeys(COUNTS, -1)}
