"""The step `event_batch` and the expectation `conversions`: what is posted, what of it is a mistake, what a failure says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.problems import ScenarioError
from optilocal.scenarios.running.emulator_client import EmulatorClient
from optilocal.scenarios.running.runner import run_scenario
from optilocal.scenarios.running.servers import LocalServers, ServerOptions

HEAD = "scenario: a\nclock: 2026-01-15T10:00:00Z\nsteps:\n"
ORDER = '{entity_id: "20410060001", key: Order Completed}'


def batch(events: str = ORDER, visitor: str = "u-1", more: str = "") -> str:
    """The line of a step with one visitor's events."""
    return f"  - event_batch: {{{more}visitors: [{{visitor_id: {visitor}, snapshots: [{{events: [{events}]}}]}}]}}\n"


def run(folder: Path, steps: str, expect: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The scenario's entry, and the exchanges of the Event API."""
    file = folder / "a.scenario.yaml"
    file.write_text(f"{HEAD}{steps}expect: {expect}\n", encoding="utf-8")
    (scenario,) = load([file])
    with LocalServers(ServerOptions(emulator_port=0), with_forwarder=False) as sandbox:
        emulator = EmulatorClient(sandbox.emulator_url, "one")
        entry = run_scenario(scenario, emulator, now_ms=0)
        return entry, emulator.exchanges(surface="events")


def mistakes(folder: Path, steps: str, expect: str = "{conversions: []}") -> list[str]:
    file = folder / "a.scenario.yaml"
    file.write_text(f"{HEAD}{steps}expect: {expect}\n", encoding="utf-8")
    try:
        load([file])
    except ScenarioError as error:
        return [problem.message for problem in error.problems]
    return []


def test_what_the_author_leaves_out_is_filled_in(tmp_path: Path) -> None:
    _, (posted,) = run(tmp_path, batch(), "{conversions: [{outcome: user_not_activated}]}")
    body = posted["json"]
    event = body["visitors"][0]["snapshots"][0]["events"][0]
    assert event.pop("uuid") and event.pop("timestamp") == 1768471200000
    assert event == {"entity_id": "20410060001", "key": "Order Completed"}
    del body["visitors"]
    assert body == {
        "account_id": "12001",
        "client_name": "own-sender",
        "client_version": "1",
        "anonymize_ip": True,
        "enrich_decisions": True,
    }


def test_what_the_author_says_is_posted_as_it_stands(tmp_path: Path) -> None:
    events = f"{{uuid: !absent, timestamp: null, key: 7}}, 5, {ORDER[:-1]}, uuid: x, timestamp: 1.5}}"
    more = "account_id: !absent, client_name: 3, extra: [1, {a: b}], "
    _, (posted,) = run(tmp_path, batch(events, more=more), "{conversions: !any }")
    body = posted["json"]
    assert "account_id" not in body and (body["client_name"], body["extra"]) == (3, [1, {"a": "b"}])
    assert body["visitors"][0]["snapshots"][0]["events"] == [
        {"timestamp": None, "key": 7},
        5,
        {"entity_id": "20410060001", "key": "Order Completed", "uuid": "x", "timestamp": 1.5},
    ]


@pytest.mark.parametrize(
    "step", ["{}", "{visitors: none}", "{visitors: [1, {snapshots: 2}, {snapshots: [{events: 3}]}]}"]
)
def test_a_batch_that_is_none_is_posted_all_the_same(tmp_path: Path, step: str) -> None:
    entry, exchanges = run(tmp_path, f"  - event_batch: {step}\n", "{conversions: []}")
    assert entry["status"] == "passed" and len(exchanges) == 1


def test_a_text_is_posted_as_it_stands_and_the_answer_is_told(tmp_path: Path) -> None:
    entry, (posted,) = run(tmp_path, "  - event_batch: no JSON\n", "{conversions: [{outcome: counted}]}")
    assert posted["body"] == "no JSON" and posted["status"] == 400
    (problem,) = entry["problems"]
    assert problem["line"] == 4 and "answered with 400 Bad Request: " in problem["message"]
    assert entry["reason"].startswith("line 4: the event batch was answered with 400")
    assert entry["steps"][0]["note"] == problem["message"]


def test_a_connection_that_breaks_is_told(tmp_path: Path) -> None:
    steps = "  - fault: {on: events, break: hang_up}\n" + batch()
    entry, _ = run(tmp_path, steps, "{conversions: [{outcome: counted}]}")
    assert entry["status"] == "failed"
    assert entry["problems"][0]["message"] == "the event batch was not answered: ConnectionError"


def test_each_difference_leads_to_its_step_and_verdict(tmp_path: Path) -> None:
    steps = (
        "  - activate: {user: u-2, experiment: checkout_test, variation: treatment}\n"
        + batch(f"{ORDER}, {ORDER}")
        + "  - track: {userId: u-2, event: Order Completed}\n"
        + batch(visitor="u-2")
    )
    expect = "{tracks: [{outcome: counted}], conversions: [{outcome: user_not_activated}, {outcome: counted}, {outcome: excluded}]}"
    entry, _ = run(tmp_path, steps, expect)
    first, second = entry["differences"]
    assert (first["where"], first["step"]) == ("conversions[1].outcome", 1)
    assert (second["where"], second["step"]) == ("conversions[2].outcome", 3)
    assert entry["verdicts"][first["verdict"]]["outcome"] == "user_not_activated"
    assert entry["verdicts"][second["verdict"]]["visitor_id"] == "u-2"
    assert [verdict["delivery"] is None for verdict in entry["verdicts"]] == [False, True, True, True]
    numbers = [step.get("verdict_number") for step in entry["steps"]]
    assert numbers[1] == entry["verdicts"][1]["number"] and numbers[3] == entry["verdicts"][3]["number"]


def test_update_writes_what_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    file = tmp_path / "a.scenario.yaml"
    activate = "  - activate: {user: u-1, experiment: checkout_test, variation: treatment}\n"
    file.write_text(HEAD + activate + batch(), encoding="utf-8")
    assert main(["run", str(file), "--update", "--quiet"]) == 0
    written = file.read_text(encoding="utf-8")
    assert "conversions:" in written and "tracks" not in written and "variation: treatment" in written
    file.write_text(written.replace("outcome: counted", "outcome: excluded"), encoding="utf-8")
    assert main(["run", str(file), "--update", "--quiet"]) == 0
    assert "outcome: counted" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("steps", "expect", "message"),
    [
        ("  - event_batch: 5\n", "{conversions: []}", "event_batch must be an event batch, or a text that is posted as it stands, not a number"),
        ("  - event_batch: {account_id: !any }\n", "{conversions: []}", "event_batch: !any is for expectations; write a value here"),
        ("  - event_batch: {visitors: [{a: [!uuid ]}]}\n", "{conversions: []}", "event_batch: !uuid is for expectations; write a value here"),
        ("  - event_batches: {}\n", "{conversions: []}", "unknown step 'event_batches' (did you mean 'event_batch'?)"),
        (batch(), "{conversions: [{outcome: won}]}", "a conversion: outcome 'won' is unknown"),
        (batch(), "{conversions: [{sent: {}}]}", "a conversion: unknown key 'sent'"),
        (batch(), "{conversions: {outcome: counted}}", "expect: conversions must be a list, not a mapping"),
        (batch(), "{conversions: [{attributed_to: [{experiment: checkout}]}]}", "the datafile has no experiment 'checkout'"),
        (batch(), "{tracks: [{outcome: counted}]}", "the scenario has no track step"),
        ("  - track: {userId: u, event: Order Completed}\n", "{conversions: [{outcome: counted}]}", "the scenario has no event_batch step"),
    ],
)  # fmt: skip
def test_mistakes_are_told(tmp_path: Path, steps: str, expect: str, message: str) -> None:
    (found,) = mistakes(tmp_path, steps, expect)
    assert found.startswith(message)


def test_an_erased_visitors_conversions_lose_all_but_their_outcome(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    tracks = "".join(f"  - track: {{userId: {who}, event: Order Completed}}\n" for who in ("u-1", "u-2"))
    steps = "  - identify: {userId: u-3}\n" + tracks + batch(visitor="u-1") + batch(visitor="u-2")
    wrong = "{outcome: user_not_activated, visitor_id: u-0}"
    expect = f"{{tracks: [{wrong}, {wrong}], conversions: [{wrong}, {wrong}]}}"
    file.write_text(f"{HEAD}{steps}expect: {expect}\n", encoding="utf-8")
    with LocalServers(ServerOptions(emulator_port=0), with_forwarder=False) as sandbox:
        document = tmp_path / "run.json"
        assert (
            main(["run", str(file), "--emulator", sandbox.emulator_url, "--quiet", "--json", str(document)])
            == 1
        )
        run_document = json.loads(document.read_text(encoding="utf-8"))
        emulator = EmulatorClient(sandbox.emulator_url, run_document["scenarios"][0]["namespace"])
        request = {
            "data_type": "visitor", "identifier": "u-1", "identifier_type": "fullstack_id", "request_type": "delete",
        }  # fmt: skip
        token = {"Authorization": "Bearer pat-1"}
        made = emulator.call("POST", "/v2/subject-access-requests", json=request, headers=token)
        for _ in range(2):
            emulator.call("POST", f"/_emulator/subject-access-requests/{made['id']}/process")
        runs = EmulatorClient(sandbox.emulator_url)
        (entry,) = runs.call("GET", f"/_emulator/runs/{run_document['id']}")["scenarios"]
    for part in ("tracks", "conversions"):
        assert entry["captured"][part][0] == {"outcome": "user_not_activated"}
        assert entry["captured"][part][1]["visitor_id"] == "u-2"
    told = [verdict["explanation"] for verdict in entry["verdicts"]]
    assert told[1] == told[3] == "[erased]" and "u-2" in told[2] and "u-2" in told[4]
