"""Scenario files: every mistake found before anything runs, with its line and what was probably meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.language import datafiles
from optilocal.scenarios.language.loader import load, load_file
from optilocal.scenarios.language.problems import CannotRun, ScenarioError
from optilocal.scenarios.language.scenario import Scenario

GOOD = """\
scenario: A purchase counts
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}
expect:
  tracks: [{outcome: counted}]
"""


def write(folder: Path, text: str, name: str = "a.scenario.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def one(folder: Path, text: str) -> Scenario:
    (scenario,) = load_file(write(folder, text))
    return scenario


def test_a_scenario_is_read_whole(tmp_path: Path) -> None:
    scenario = one(tmp_path, GOOD + "tags: [revenue]\nclock: 2026-01-15T10:00:00Z\nteaches: How it is.\n")
    assert scenario.name == "A purchase counts"
    assert [(step.index, step.kind, step.line) for step in scenario.steps] == [
        (0, "activate", 3),
        (1, "track", 4),
    ]
    assert (scenario.tags, scenario.clock_ms, scenario.teaches) == (("revenue",), 1768471200000, "How it is.")
    assert scenario.datafile == json.loads(datafiles.SHOP.read_text())
    assert scenario.mappings is None


ACTIVATE = "activate: {user: u-1, experiment: checkout_test, variation: treatment}"
TRACKS = "tracks: [{outcome: counted}]"
PAUSE = "- datafile: {set: {experiments.checkout.status: Paused}}\n  - track"
MISTAKES = [
    ("senario: x", 1, "unknown key 'senario' (did you mean 'scenario'?)"),
    ("scenario: ''\nsteps: [forget]\nexpect: {requests: {events: 0}}", 1, "needs a name"),
    ("scenario: x\nexpect: {}\nsteps:\n  - forget: {}", 2, "expect is empty"),
    ("scenario: x\nsteps:\n  - forget: {}", 1, "a scenario needs 'expect'"),
    ("scenario: x\nsteps: []\nexpect: {tracks: []}", 2, "steps is empty"),
    (GOOD.replace("- track", "- trak"), 4, "unknown step 'trak' (did you mean 'track'?)"),
    (GOOD.replace("event: Order Completed, ", ""), 4, "track needs 'event'"),
    (GOOD.replace("properties", "propertys"), 4, "unknown key 'propertys' (did you mean 'properties'?)"),
    (GOOD.replace("revenue: 4999", "revenue: !any"), 4, "!any is for expectations"),
    (GOOD.replace("user: u-1,", "user: 1,"), 3, "user must be a text (quote it), not a number"),
    (GOOD.replace("checkout_test", "checkout-test"), 3, "no experiment 'checkout-test' (did you mean 'checkout_test'?)"),
    (GOOD.replace(": treatment", ": treatmnt"), 3, "no variation 'treatmnt' (did you mean 'treatment'?)"),
    (GOOD.replace(ACTIVATE, "decide: {user: u-1, flag: chekout}"), 3, "no flag 'chekout' (did you mean 'checkout'?)"),
    (GOOD.replace("outcome: counted", "outcome: conted"), 6, "outcome 'conted' is unknown (did you mean 'counted'?)"),
    (GOOD.replace("outcome: counted", "outcme: counted"), 6, "unknown key 'outcme' (did you mean 'outcome'?)"),
    (GOOD.replace(TRACKS, "track: []"), 6, "unknown key 'track' (did you mean 'tracks'?)"),
    (GOOD.replace(TRACKS, "requests: {evnts: 1}"), 6, "unknown key 'evnts' (did you mean 'events'?)"),
    (GOOD + "clock: soon", 7, "clock takes an ISO 8601 time"),
    (GOOD + "tags: smoke", 7, "tags must be a list, not a text"),
    (GOOD + "settings: {acountId: x}", 7, "unknown key 'acountId' (did you mean 'accountId'?)"),
    (GOOD + "datafile: nowhere.json", 7, "cannot read the datafile"),
    (GOOD + "datafile: 5", 7, "datafile takes the path"),
    (GOOD + "datafile: {version: '4'}", 7, "'revision' is missing"),
    (GOOD + "mappings: [{name: m, fields: {evenKey: x}}]", 7, "no field 'evenKey' (did you mean 'eventKey'?)"),
    (GOOD + "mappings: [{name: m, fields: {eventKey: {'@pth': x}}}]", 7, "the mapping 'm' is refused: /eventKey has an invalid directive: @pth"),
    (GOOD.replace("- track", "- wait: soon\n  - track"), 4, "wait takes a time"),
    (GOOD.replace("- track", "- fault: {on: event}\n  - track"), 4, "did you mean 'events'?"),
    (GOOD.replace("- track", "- fault: {on: events, status: x}\n  - track"), 4, "status must be a whole number, not a text"),
    (GOOD.replace("- track", "- delete: {userId: u, regulation: DELETE}\n  - track"), 4, "regulation 'DELETE' is unknown (did you mean 'DELETE_ONLY'?)"),
    (GOOD.replace("- track", PAUSE), 4, "did you mean 'checkout_test'?"),
    (GOOD.replace("- track", "- datafile: {deactivated: 1}\n  - track"), 4, "deactivated must be true or false"),
    (GOOD.replace("- track", "- forget: {userId: u}\n  - track"), 4, "forget takes nothing"),
    ("[]", 1, "a scenario must be a mapping, not a list"),
    ("# nothing\n", 1, "there is no scenario in this file"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "says"), MISTAKES, ids=[says for _, _, says in MISTAKES])
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ScenarioError) as caught:
        load_file(path)
    lines = str(caught.value).splitlines()
    assert any(entry.startswith(f"{path}:{line}:") and says in entry for entry in lines), lines


def test_every_mistake_of_every_file_is_found_at_once(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("- track", "- trak").replace("counted}", "conted}"), "a.scenario.yaml")
    write(tmp_path, "scenario: [", "b.scenario.yaml")
    write(tmp_path, GOOD, "c.scenario.yaml")
    with pytest.raises(ScenarioError) as caught:
        load([tmp_path])
    assert [(problem.file.name, problem.line) for problem in caught.value.problems] == [
        ("a.scenario.yaml", 4),
        ("a.scenario.yaml", 6),
        ("b.scenario.yaml", 1),
    ]


@pytest.mark.parametrize("name", ["nowhere", "empty", "notes.txt"])
def test_a_path_that_names_no_scenario_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(CannotRun, match=name):
        load([tmp_path / name])


def test_a_datafile_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text("<html>")
    with pytest.raises(ScenarioError, match=r"d\.json is an HTML page, not JSON"):
        load_file(write(tmp_path, GOOD + "datafile: d.json"))
    (tmp_path / "d.json").write_text('{"hello": 1}')
    with pytest.raises(ScenarioError, match=r"d\.json is not a datafile"):
        load_file(write(tmp_path, GOOD + "datafile: d.json"))


def test_a_datafile_step_sets_by_key_and_raises_the_revision(tmp_path: Path) -> None:
    changes = r"{experiments.checkout_test.status: Paused, 'events.Order Completed.experimentIds': []}"
    scenario = one(tmp_path, GOOD.replace("- track", f"- datafile: {{set: {changes}}}\n  - track"))
    changed = scenario.steps[1].arguments["whole"]
    before = scenario.datafile
    assert next(e for e in changed["experiments"] if e["key"] == "checkout_test")["status"] == "Paused"
    assert next(e for e in changed["events"] if e["key"] == "Order Completed")["experimentIds"] == []
    assert int(changed["revision"]) == int(before["revision"]) + 1
    assert next(e for e in before["experiments"] if e["key"] == "checkout_test")["status"] == "Running"


def test_a_mapping_keeps_the_defaults_of_what_it_does_not_name(tmp_path: Path) -> None:
    scenario = one(
        tmp_path, GOOD + "mappings: [{name: m, fields: {eventKey: Order Completed, revenue: null}}]"
    )
    assert scenario.mappings is not None
    fields: dict[str, Any] = scenario.mappings[0]["fields"]
    assert fields["eventKey"] == "Order Completed"
    assert "revenue" not in fields
    assert fields["uuid"] == {"@path": "$.messageId"}


def test_rows_make_a_scenario_each_with_its_own_line(tmp_path: Path) -> None:
    text = GOOD.replace("revenue: 4999", "revenue: '${sent}'") + "rows:\n  - {sent: 5}\n  - {sent: '7'}\n"
    first, second = load_file(write(tmp_path, text))
    assert [scenario.steps[1].arguments["properties"]["revenue"] for scenario in (first, second)] == [5, "7"]
    assert [scenario.name for scenario in (first, second)] == [
        "A purchase counts [sent=5]",
        "A purchase counts [sent=7]",
    ]
    assert [scenario.line for scenario in (first, second)] == [8, 9]


def test_a_placeholder_without_a_value_is_a_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("revenue: 4999", "revenue: '${sent}'") + "rows:\n  - {snt: 5}\n"
    with pytest.raises(
        ScenarioError, match=r":4:\d+: \$\{sent\}: a row has no 'sent' \(did you mean 'snt'\?\)"
    ):
        load_file(write(tmp_path, text))


def test_a_folder_has_defaults_which_a_scenario_overrules(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    write(tmp_path, "tags: [shop]\nsettings: {accountId: '1', accessToken: t}", "scenario-defaults.yaml")
    write(tmp_path / "in", "tags: [in]\nclock: 2026-01-15T10:00:00Z", "scenario-defaults.yaml")
    path = write(tmp_path / "in", GOOD + "tags: [own]\nsettings: {accountId: '2'}")
    (scenario,) = load_file(path)
    assert scenario.tags == ("shop", "in", "own")
    assert scenario.settings == {"accountId": "2", "accessToken": "t"}
    assert scenario.clock_ms == 1768471200000


def test_a_mistake_in_the_defaults_is_named_there(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    shared = write(tmp_path, "tags: [a]\nsteps: []", "scenario-defaults.yaml")
    with pytest.raises(ScenarioError, match="unknown key 'steps'") as caught:
        load_file(write(tmp_path, GOOD))
    assert caught.value.problems[0].file.samefile(shared)


def test_a_datafile_that_one_scenario_changes_stays_as_it_is_for_the_others(tmp_path: Path) -> None:
    before = json.loads(datafiles.SHOP.read_text())
    change = (
        "scenario: Changes it\nsteps:\n"
        "  - datafile: {set: {experiments.checkout_test.status: Paused, events.Order Completed: !absent}}\n"
        "  - datafile: {set: {experiments.checkout_test.variations.treatment.key: other}}\n"
        "expect: {tracks: []}\n"
    )
    changing, other = load_file(write(tmp_path, f"{change}---\n{GOOD}"))
    assert changing.datafile == other.datafile == before
    first, second = (step.arguments["whole"] for step in changing.steps)
    (paused,) = [one for one in first["experiments"] if one["key"] == "checkout_test"]
    assert paused["status"] == "Paused"
    assert "other" not in {variation["key"] for variation in paused["variations"]}
    (renamed,) = [one for one in second["experiments"] if one["key"] == "checkout_test"]
    assert "other" in {variation["key"] for variation in renamed["variations"]}
    assert "Order Completed" not in {event["key"] for event in first["events"]}
    assert int(second["revision"]) == int(before["revision"]) + 2
