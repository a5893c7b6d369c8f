"""The result document's two sides: what is captured stands beside what is expected, cut to what the scenario names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main

STEPS = """\
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}
  - track: {userId: u-2, event: Order Completed}
"""


def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect: str, steps: str = STEPS) -> dict[str, Any]:
    """The one scenario's entry of a run's document."""
    monkeypatch.chdir(tmp_path)
    Path("a.scenario.yaml").write_text(f"scenario: a\n{steps}expect:\n{expect}", encoding="utf-8")
    main(["run", "a.scenario.yaml", "--quiet", "--json", "run.json"])
    (found,) = json.loads(Path("run.json").read_text(encoding="utf-8"))["scenarios"]
    assert isinstance(found, dict)
    return found


def test_what_is_captured_has_the_parts_and_fields_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect = (
        "  tracks:\n"
        "    - {outcome: counted, visitor_id: !any , sent: {visitors: [{visitor_id: u-1}]}}\n"
        "    - {outcome: !regex '^user_'}\n"
        "  results: {checkout_test: {treatment: {visitors: 1, Order Completed: {revenue: 4999}}}}\n"
        "  requests: {events: 2, datafile: 2}\n"
    )
    found = entry(tmp_path, monkeypatch, expect)
    assert found["status"] == "passed", found["reason"]
    assert found["captured"] == {
        "tracks": [
            {"outcome": "counted", "visitor_id": "u-1", "sent": {"visitors": [{"visitor_id": "u-1"}]}},
            {"outcome": "user_not_activated"},
        ],
        "results": {"checkout_test": {"treatment": {"visitors": 1, "Order Completed": {"revenue": 4999}}}},
        "requests": {"events": 2, "datafile": 2},
    }
    assert found["expected"]["tracks"][1] == {"outcome": {"!regex": "^user_"}}
    assert [verdict["outcome"] for verdict in found["verdicts"]] == ["counted", "user_not_activated"]


def test_what_differs_is_captured_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expect = "  tracks: [{outcome: excluded}, {outcome: counted}]\n  requests: {events: 1, datafile: 2}\n"
    found = entry(tmp_path, monkeypatch, expect)
    assert found["status"] == "failed"
    assert found["captured"] == {
        "tracks": [{"outcome": "counted"}, {"outcome": "user_not_activated"}],
        "requests": {"events": 2, "datafile": 2},
    }
    sides = [(each["where"], each["expected"], each["captured"]) for each in found["differences"]]
    assert ("tracks[0].outcome", "excluded", "counted") in sides
    assert ("requests.events", 1, 2) in sides
    assert found["reason"].startswith("tracks[0].outcome: expected 'excluded', captured 'counted'")
    assert found["reason"].endswith("(+2 more)")


def test_a_verdict_that_nobody_expected_is_captured_in_outline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = entry(tmp_path, monkeypatch, "  tracks: [{outcome: counted}]\n")
    _, unexpected = found["captured"]["tracks"]
    assert unexpected == {
        "outcome": "user_not_activated",
        "event": "Order Completed",
        "visitor_id": "u-2",
    }


def test_what_could_not_run_captured_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = "steps:\n  - datafile: {raw: 'nothing', status: 99999}\n"
    found = entry(tmp_path, monkeypatch, "  requests: {events: 0}\n", refused)
    assert (found["status"], found["captured"], found["differences"]) == ("error", {}, [])
    assert found["expected"] == {"requests": {"events": 0}}
