"""What may stand in a scenario document, and the check that finds every mistake before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optilocal.scenarios.language.checker import Checker, kind_name
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.problems import meant
from optilocal.scenarios.language.scenario import EXPECTATIONS
from optilocal.scenarios.language.step_checks import check_steps
from optilocal.scenarios.language.times import clock_ms
from optilocal.scenarios.language.yaml_nodes import NodePath

OUTCOMES = (
    "suppressed_user", "duplicate", "not_subscribed", "invalid_payload", "datafile_unavailable", "project_deactivated",
    "unmatched_event_key", "delivery_failed", "no_experiment", "experiment_not_running", "unidentified_user",
    "user_not_activated", "activated_too_late", "excluded", "counted",
)  # fmt: skip
VERDICT_FIELDS = (
    "outcome", "attributed_to", "sent", "conditions", "details", "warnings", "nearest", "explanation", "remedy",
    "message_id", "event", "event_key", "user_id", "anonymous_id", "visitor_id", "uuid", "timestamp", "kind", "delivery",
)  # fmt: skip
TOP_KEYS = (
    "scenario",
    "teaches",
    "rows",
    "tags",
    "datafile",
    "settings",
    "mappings",
    "predictions",
    "clock",
    "steps",
    "expect",
)
SETTINGS = ("accountId", "dataFileUrl", "accessToken")
REQUESTS = ("datafile", "events", "privacy")


def check_document(checker: Checker) -> bool:
    """Check everything that needs no datafile. False when the document is too broken to look any further."""
    value = checker.document.value
    if not checker.keys(value, (), TOP_KEYS, "a scenario", required=("scenario", "steps", "expect")):
        return False
    if (
        "scenario" in value
        and checker.kind(value["scenario"], ("scenario",), str, "a text", "scenario")
        and not value["scenario"].strip()
    ):
        checker.problem(("scenario",), "scenario needs a name: a sentence that says what must hold")
    if "teaches" in value:
        checker.kind(value["teaches"], ("teaches",), str, "a text", "teaches")
    check_shared(checker, value)
    steps_fine = "steps" in value and check_steps(checker, value["steps"])
    if "expect" in value:
        _check_expect(checker, value["expect"])
    return steps_fine


def check_shared(checker: Checker, value: dict[str, Any]) -> None:
    """Check what a scenario and a folder's defaults both may say: tags, settings, clock."""
    if checker.kind(value.get("tags", []), ("tags",), list, "a list", "tags"):
        for index, tag in enumerate(value.get("tags", [])):
            checker.kind(tag, ("tags", index), str, "a text", "a tag")
    if "settings" in value and checker.keys(value["settings"], ("settings",), SETTINGS, "settings"):
        checker.no_matchers(value["settings"], ("settings",), "settings")
    if "clock" in value:
        checker.attempt(("clock",), clock_ms, value["clock"])


def _check_expect(checker: Checker, expect: Any) -> None:
    if not checker.keys(expect, ("expect",), EXPECTATIONS, "expect"):
        return
    if not expect:
        checker.problem(
            ("expect",), f"expect is empty: it checks nothing; there are {', '.join(EXPECTATIONS)}"
        )
    if (
        "tracks" in expect
        and not isinstance(expect["tracks"], Matcher)
        and checker.kind(expect["tracks"], ("expect", "tracks"), list, "a list", "tracks")
    ):
        for index, item in enumerate(expect["tracks"]):
            _check_track(checker, ("expect", "tracks", index), item)
    for part in ("received", "subject_access_requests"):
        if part in expect and not isinstance(expect[part], Matcher):
            checker.kind(expect[part], ("expect", part), list, "a list", part)
    if "results" in expect and not isinstance(expect["results"], Matcher):
        checker.kind(expect["results"], ("expect", "results"), dict, "a mapping", "results")
    if "requests" in expect and checker.keys(
        expect["requests"], ("expect", "requests"), REQUESTS, "requests"
    ):
        for key, count in expect["requests"].items():
            if not isinstance(count, Matcher):
                checker.kind(count, ("expect", "requests", key), int, "a number", f"requests: {key}")


def _check_track(checker: Checker, path: NodePath, item: Any) -> None:
    if isinstance(item, Matcher) or not checker.keys(item, path, VERDICT_FIELDS, "a track"):
        return
    outcome = item.get("outcome")
    if isinstance(outcome, str) and outcome not in OUTCOMES:
        checker.problem(
            (*path, "outcome"),
            f"unknown outcome {outcome!r}{meant(outcome, OUTCOMES)}; there are {', '.join(OUTCOMES)}",
        )
    if "outcome" in item and not isinstance(outcome, str | Matcher):
        checker.problem((*path, "outcome"), f"outcome must be a text, not {kind_name(outcome)}")
    if isinstance(item.get("conditions"), dict):
        from optilocal.emulator.verdict.verdict import CONDITIONS  # noqa: PLC0415 - slow to import, and seldom asked for

        checker.keys(item["conditions"], (*path, "conditions"), CONDITIONS, "conditions")


def nothing_expected(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a document without expectations is run with, so that whatever is captured is a difference."""
    steps = document.get("steps")
    tracked = any(
        isinstance(step, dict) and "track" in step for step in (steps if isinstance(steps, list) else [])
    )
    return {"tracks": []} if tracked else {"requests": dict.fromkeys(REQUESTS, -1)}
