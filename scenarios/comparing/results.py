"""The one result document: what console, viewer and every report read, and nothing else."""

import shlex
from typing import Any

from optilocal.scenarios.comparing.compare import Difference
from optilocal.scenarios.comparing.expectations import Captured, captured_parts
from optilocal.scenarios.comparing.undone import undone, without_blame
from optilocal.scenarios.language.matchers import as_text, plain
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.language.steps import STEPS

VERSION = 1
_LONGEST_ANSWER = 400


def new_run(run_id: str, command: str, emulator: str | None, started_at: int, total: int) -> dict[str, Any]:
    """A run that has just begun. Times in epoch milliseconds; `emulator` None: it has emulators of its own."""
    return {
        "id": run_id,
        "version": VERSION,
        "state": "running",
        "started_at": started_at,
        "finished_at": None,
        "duration_ms": None,
        "command": command,
        "emulator": emulator,
        "counts": {"total": total, "passed": 0, "failed": 0, "error": 0},
        "scenarios": [],
    }


def with_scenarios(
    run: dict[str, Any], scenarios: list[dict[str, Any]], finished_at: int | None = None
) -> dict[str, Any]:
    """The run with these entries; finished when a time is given."""
    counts = {
        status: sum(1 for entry in scenarios if entry["status"] == status)
        for status in ("passed", "failed", "error")
    }
    done = finished_at is not None
    return {
        **run,
        "state": "finished" if done else "running",
        "finished_at": finished_at,
        "duration_ms": finished_at - run["started_at"] if finished_at is not None else None,
        "counts": {"total": run["counts"]["total"], **counts},
        "scenarios": scenarios,
    }


def scenario_result(
    scenario: Scenario,
    namespace: str,
    *,
    steps: list[dict[str, Any]],
    captured: Captured,
    records: list[Difference],
    error: str | None,
    duration_ms: int,
) -> dict[str, Any]:
    """One scenario's entry: everything a reader needs to say what differs, where it stands, and why."""
    judged = [step.index for step in scenario.steps if step.index in captured.verdicts]
    differences = [_difference(scenario, difference, captured, judged) for difference in records]
    status = "error" if error else "failed" if differences else "passed"
    users = {step.index: step.arguments["user"] for step in scenario.steps if STEPS[step.kind].by_sdk}
    verdicts = [_lean(captured.verdicts[index]) for index in judged]
    verdicts += [verdict for _, verdict in captured.conversions]
    problems = undone(steps, users, differences, verdicts)
    return {
        "id": scenario.id,
        "name": scenario.name,
        "teaches": scenario.teaches,
        "file": scenario.shown_file,
        "line": scenario.line,
        "tags": list(scenario.tags),
        "namespace": namespace,
        "duration_ms": duration_ms,
        "status": status,
        "reason": error or (reason(differences, problems) if differences else None),
        "rerun": f"optilocal run {shlex.quote(scenario.id)}",
        "source": {"first_line": scenario.document.first_line, "text": scenario.source},
        "steps": steps,
        "problems": problems,
        "expected": plain(scenario.expect),
        "captured": {} if error else _only_named(plain(scenario.expect), captured_parts(scenario, captured)),
        "differences": differences,
        "verdicts": [without_blame(verdict, problems, users) for verdict in verdicts],
    }


def _lean(verdict: dict[str, Any]) -> dict[str, Any]:
    """The verdict with the answers to its requests cut short: whole datafiles in every verdict make a run heavy."""
    delivery = verdict.get("delivery")
    if not delivery:
        return verdict
    requests = [
        {**request, "response": f"{answer[:_LONGEST_ANSWER]}…"}
        if answer and len(answer) > _LONGEST_ANSWER
        else request
        for request in delivery["requests"]
        for answer in [request.get("response")]
    ]
    return {**verdict, "delivery": {**delivery, "requests": requests}}


def reason(differences: list[dict[str, Any]], problems: list[dict[str, Any]]) -> str:
    """One line for a list: the step that did not do what it says, what differs first, and how many more differ."""
    first = next(
        (difference for difference in differences if difference["path"][-1:] == ["outcome"]), differences[0]
    )
    more = f" (+{len(differences) - 1} more)" if len(differences) > 1 else ""
    if "expected" in first and "captured" in first:
        text = f"{first['where']}: expected {_short(first['expected'])}, captured {_short(first['captured'])}"
    else:
        text = f"{first['where']} {first['reason']}"
    first_problem = "".join(f"line {problem['line']}: {problem['message']}; " for problem in problems[:1])
    return first_problem + text + more


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else as_text(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _difference(
    scenario: Scenario, difference: Difference, captured: Captured, judged: list[int]
) -> dict[str, Any]:
    """`judged` are the steps of the first verdicts listed; the conversions' verdicts follow them."""
    step = verdict = None
    path = difference.path
    item = path[1] if len(path) > 1 and isinstance(path[1], int) else None
    if path[0] == "tracks" and item is not None and item < len(scenario.tracks):
        step = scenario.tracks[item].index
        verdict = judged.index(step) if step in judged else None
    elif path[0] == "conversions" and item is not None and item < len(captured.conversions):
        step, verdict = captured.conversions[item][0], len(judged) + item
    return {
        **difference.as_json(),
        "file": scenario.shown_file,
        "line": scenario.expectation_line(path),
        "step": step,
        "verdict": verdict,
    }


def _only_named(expected: Any, captured: Any) -> Any:
    """The captured side cut down to what the expected side names, lists whole: the two stand beside each other."""
    if (
        isinstance(expected, dict)
        and isinstance(captured, dict)
        and not any(key.startswith("!") for key in expected)
    ):
        return {key: _only_named(expected[key], value) for key, value in captured.items() if key in expected}
    if isinstance(expected, list) and isinstance(captured, list):
        paired = [_only_named(left, right) for left, right in zip(expected, captured, strict=False)]
        return paired + [_outline(item) for item in captured[len(expected) :]]
    return captured


def _outline(item: Any) -> Any:
    """An unexpected verdict, reduced to the fields that identify it."""
    if isinstance(item, dict) and "outcome" in item and "explanation" in item:
        return {key: item[key] for key in ("outcome", "event", "visitor_id")}
    return item
