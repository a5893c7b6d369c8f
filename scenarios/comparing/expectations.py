"""What a scenario expects, compared with what was captured: each part of `expect` in its own way."""

from dataclasses import dataclass, field
from typing import Any

from optilocal.scenarios.comparing.compare import Difference, compare, compare_unordered
from optilocal.scenarios.language.matchers import Matcher
from optilocal.scenarios.language.scenario import Scenario


@dataclass(frozen=True)
class Captured:
    """What came of a scenario. `verdicts` by step index; `conversions` are the step index and the verdict of each
    conversion that was posted; the other parts None where nothing expects them.
    """

    verdicts: dict[int, dict[str, Any]] = field(default_factory=dict)
    conversions: tuple[tuple[int, dict[str, Any]], ...] = ()
    received: list[Any] | None = None
    results: dict[str, Any] | None = None
    health: dict[str, Any] | None = None
    subject_access_requests: list[Any] | None = None
    requests: dict[str, int] = field(default_factory=dict)


def captured_parts(scenario: Scenario, captured: Captured) -> dict[str, Any]:
    """The captured side, in the shape of `expect` and with its parts only."""
    parts: dict[str, Any] = {
        "tracks": [track(captured.verdicts.get(step.index)) for step in scenario.tracks],
        "conversions": [verdict for _, verdict in captured.conversions],
        "received": captured.received,
        "results": None if captured.results is None else results(captured.results),
        "health": captured.health,
        "subject_access_requests": captured.subject_access_requests,
        "requests": captured.requests,
    }
    return {name: parts[name] for name in scenario.expect}


def track(verdict: dict[str, Any] | None) -> Any:
    """A verdict as `expect.tracks` sees it: with `sent`, the body of the event batch the forwarder posted."""
    if verdict is None:
        return None
    requests = (verdict.get("delivery") or {}).get("requests") or []
    sent = [request["json"] for request in requests if request.get("to") == "events"]
    return {**verdict, **({"sent": sent[0]} if sent else {})}


def results(experiments: dict[str, Any]) -> dict[str, Any]:
    """`{experiment: {variation: {"visitors": n, EVENT KEY: {…}}}}`, as a scenario writes it."""
    return {
        key: {
            name: {"visitors": variation["visitors"], **variation["metrics"]}
            for name, variation in experiment["variations"].items()
        }
        for key, experiment in experiments.items()
    }


def differences(scenario: Scenario, captured: Captured) -> list[Difference]:
    """Every difference of every part of `expect`, in the order of the file."""
    parts = captured_parts(scenario, captured)
    records: list[Difference] = []
    for name, expected in scenario.expect.items():
        path = (name,)
        if name == "received" and isinstance(expected, list):
            records.extend(compare_unordered(expected, parts[name], path, whole=True))
        elif name == "requests" and isinstance(expected, dict):
            records.extend(
                compare({**dict.fromkeys(parts[name], 0), **expected}, parts[name], path, whole=True)
            )
        else:
            records.extend(compare(expected, parts[name], path, whole=isinstance(expected, Matcher)))
    return records
