"""A run of scenarios without what it captured of an erased visitor; what stands in scenario files stays."""

from typing import Any

from optilocal.emulator.json_text import as_list
from optilocal.emulator.privacy.visitor_traces import ERASED, Traces

# Of a verdict on the visitor's event this is left: the run's own figures hang on it.
_LEFT = ("number", "namespace", "kind", "outcome", "attributed_to", "conditions", "timestamp", "event_key")
_LISTS = ("details", "warnings", "nearest")
# Parts of `captured` whose differences name no verdict.
_COUNTS = ("results", "requests")


def run_without(traces: Traces, namespace: str, run: dict[str, Any]) -> dict[str, Any] | None:
    """The run whose scenarios of this namespace show nothing captured of the visitor; None when it needs no change."""
    scenarios = [
        _scenario(traces, each) if isinstance(each, dict) and each.get("namespace") == namespace else each
        for each in run.get("scenarios") or []
    ]
    new = {**run, "scenarios": scenarios}
    return None if "scenarios" not in run or new == run else new


def _scenario(traces: Traces, scenario: dict[str, Any]) -> dict[str, Any]:
    verdicts = as_list(scenario.get("verdicts"))
    gone = [index for index, verdict in enumerate(verdicts) if _is_of(traces, verdict)]
    parts = ("verdicts", "captured", "differences", "steps", "reason")
    new = {name: traces.clean(value) if name in parts else value for name, value in scenario.items()}
    if isinstance(new.get("verdicts"), list):
        new["verdicts"] = [
            _erased_verdict(verdict) if index in gone else verdict
            for index, verdict in enumerate(new["verdicts"])
        ]
    taken = new.get("captured") != scenario.get("captured") or bool(gone)
    if isinstance(new.get("captured"), dict):
        new["captured"] = _captured(new["captured"], scenario, gone)
    if isinstance(new.get("differences"), list):
        new["differences"] = [_difference(each, gone, taken) for each in new["differences"]]
    return new


def _is_of(traces: Traces, verdict: Any) -> bool:
    names = ("visitor_id", "user_id", "anonymous_id")
    return isinstance(verdict, dict) and any(traces.same(verdict.get(name)) for name in names)


def _erased_verdict(verdict: dict[str, Any]) -> dict[str, Any]:
    left = {name: value if name in _LEFT else None for name, value in verdict.items()}
    return left | {name: [] for name in _LISTS} | {"explanation": ERASED}


def _captured(captured: dict[str, Any], scenario: dict[str, Any], gone: list[int]) -> dict[str, Any]:
    """What was captured, of the visitor's own tracks and conversions the outcome alone."""
    # Verdicts stand for the source's steps that came to one, `tracks` for track steps; those of `conversions` come last.
    steps = [step for step in as_list(scenario.get("steps")) if isinstance(step, dict)]
    judged = [step for step in steps if "verdict_number" in step and step.get("kind") != "event_batch"]
    tracked = [step for step in steps if step.get("kind") == "track"]
    before = len(as_list(scenario.get("verdicts"))) - len(as_list(captured.get("conversions")))
    own = {
        # A track whose step names no verdict may be anybody's.
        "tracks": {
            place
            for place, step in enumerate(tracked)
            if gone and (step not in judged or judged.index(step) in gone)
        },
        "conversions": {index - before for index in gone},
    }
    cleaned = {
        part: [_outcome_alone(each) if place in places else each for place, each in enumerate(captured[part])]
        for part, places in own.items()
        if isinstance(captured.get(part), list)
    }
    return {**captured, **cleaned}


def _outcome_alone(verdict: Any) -> Any:
    if not isinstance(verdict, dict):
        return verdict
    return {name: value for name, value in verdict.items() if name in ("outcome", "attributed_to")}


def _difference(difference: Any, gone: list[int], taken: bool) -> Any:
    if not isinstance(difference, dict):
        return difference
    verdict, path = difference.get("verdict"), as_list(difference.get("path"))
    # A difference that names no verdict may show anybody's data, and this scenario had some of the visitor's.
    anybodys = taken and verdict is None and (not path or path[0] not in _COUNTS)
    if verdict not in gone and not anybodys:
        return difference
    captured = {"captured": ERASED} if "captured" in difference else {}
    return {**difference, **captured, "reason": ERASED}
