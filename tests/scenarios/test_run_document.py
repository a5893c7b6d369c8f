"""The head of a run document, one line for a failed scenario, and where each difference leads: mutants lived here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.comparing.results import new_run, reason, with_scenarios
from optilocal.scenarios.language.loader import load
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.runner import run_scenario
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

TWO_ORDERS = """scenario: a
clock: 2026-01-15T10:00:00Z
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed}
  - identify: {userId: u-1}
  - track: {userId: u-2, event: Order Completed}
expect: """


def test_a_run_that_goes_on_and_one_that_has_ended() -> None:
    run = new_run("r", "optilocal run", None, 1_000, 3)
    assert run["version"] == 1 and run["counts"] == {"total": 3, "passed": 0, "failed": 0, "error": 0}
    scenarios = [{"status": status} for status in ("passed", "error", "passed")]
    going_on = with_scenarios(run, scenarios[:1])
    assert (going_on["state"], going_on["finished_at"], going_on["duration_ms"]) == ("running", None, None)
    ended = with_scenarios(going_on, scenarios, 1_250)
    assert (ended["state"], ended["finished_at"], ended["duration_ms"]) == ("finished", 1_250, 250)
    assert ended["counts"] == {"total": 3, "passed": 2, "failed": 0, "error": 1}


def difference(where: str, **sides: Any) -> dict[str, Any]:
    return {"where": where, "path": where.split("."), "reason": "is not there", **sides}


OUTCOME = difference("tracks.outcome", expected="counted", captured="excluded")
OTHER = difference("tracks.visitor_id", expected="u-1", captured="u-2")
THIRD = difference("tracks.event")
LINES: list[tuple[list[dict[str, Any]], str]] = [
    ([OTHER], "tracks.visitor_id: expected 'u-1', captured 'u-2'"),
    ([OTHER, THIRD], "tracks.visitor_id: expected 'u-1', captured 'u-2' (+1 more)"),
    ([THIRD, OTHER], "tracks.event is not there (+1 more)"),
    ([OTHER, OUTCOME, THIRD], "tracks.outcome: expected 'counted', captured 'excluded' (+2 more)"),
    ([difference("x", expected="a" * 58, captured=1)], f"x: expected '{'a' * 58}', captured 1"),
    ([difference("x", expected="a" * 59, captured=1)], f"x: expected '{'a' * 56}…, captured 1"),
]


@pytest.mark.parametrize(("differences", "line"), LINES)
def test_one_line_says_the_outcome_first_then_how_many_more_differ(
    differences: list[dict[str, Any]], line: str
) -> None:
    assert reason(differences, []) == line
    problems = [{"line": 4, "message": "decided nothing"}, {"line": 5, "message": "nor here"}]
    assert reason(differences, problems) == f"line 4: decided nothing; {line}"


def run(folder: Path, expect: str) -> dict[str, Any]:
    file = folder / "a.scenario.yaml"
    file.write_text(f"{TWO_ORDERS}{expect}\n", encoding="utf-8")
    (scenario,) = load([file])
    with LocalServers(ServerOptions(emulator_port=0), with_forwarder=False) as servers:
        return run_scenario(scenario, EmulatorClient(servers.emulator_url, "one"), now_ms=0)


def test_a_difference_of_a_track_leads_to_its_step_and_verdict(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        "{tracks: [{outcome: excluded}, {outcome: counted}], results: {checkout_test: {control: {visitors: 9}}}}",
    )
    led = [(one["where"], one["step"], one["verdict"]) for one in found["differences"]]
    assert led == [
        ("tracks[0].outcome", 1, 0),
        ("tracks[1].outcome", 3, 2),  # identify has a verdict too
        ("results.checkout_test.control.visitors", None, None),
    ]


def test_a_difference_of_all_tracks_together_leads_to_none(tmp_path: Path) -> None:
    found = run(tmp_path, "{tracks: !contains [{outcome: excluded}]}")
    assert [(one["where"], one["step"], one["verdict"]) for one in found["differences"]] == [
        ("tracks", None, None)
    ]
    assert [track["visitor_id"] for track in found["captured"]["tracks"]] == ["u-1", "u-2"]
    assert all(track["explanation"] for track in found["captured"]["tracks"])


def test_a_short_answer_stands_as_it_is(tmp_path: Path) -> None:
    steps = "  - datafile: {raw: none, content_type: text/plain, status: 404}\n  - track: {userId: u-1, event: a}\n"
    (tmp_path / "b.scenario.yaml").write_text(
        f"scenario: b\nsteps:\n{steps}expect: {{requests: {{datafile: 1}}}}\n", "utf-8"
    )
    (scenario,) = load([tmp_path / "b.scenario.yaml"])
    with LocalServers(ServerOptions(emulator_port=0), with_forwarder=False) as servers:
        found = run_scenario(scenario, EmulatorClient(servers.emulator_url, "two"), now_ms=1_768_471_200_000)
    answers = {request["response"] for request in found["verdicts"][0]["delivery"]["requests"]}
    assert answers == {"none"}


def test_answers_are_cut_short_in_the_document_alone(tmp_path: Path) -> None:
    found = run(tmp_path, "{tracks: [{outcome: counted}, !any ]}")
    answers = [request["response"] for request in found["verdicts"][0]["delivery"]["requests"]]
    assert [len(answer) for answer in answers] == [401, 0] and answers[0].endswith("…")


def test_what_nobody_expected_stands_in_the_fields_that_say_what_it_is(tmp_path: Path) -> None:
    found = run(tmp_path, "{tracks: [{outcome: counted}]}")
    assert found["captured"]["tracks"] == [
        {"outcome": "counted"},
        {"outcome": "user_not_activated", "event": "Order Completed", "visitor_id": "u-2"},
    ]
    assert [(one["where"], one["step"], one["verdict"]) for one in found["differences"]] == [
        ("tracks[1]", 3, 2)
    ]


def test_a_batch_that_nobody_expected_stands_whole(tmp_path: Path) -> None:
    found = run(tmp_path, "{received: []}")
    visitors = [batch["visitors"][0]["visitor_id"] for batch in found["captured"]["received"]]
    assert visitors == ["u-1", "u-2"]
