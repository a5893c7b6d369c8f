"""`optilocal run` as a user has it: exit codes, the field that differs, mistakes on stderr, choices, the document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main

PURCHASE = """\
scenario: A purchase by an activated user is counted
tags: [smoke]
clock: 2026-01-15T10:00:00Z
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999, value: 49.99, sku: a}}
expect:
  tracks:
    - outcome: counted
      attributed_to: [{experiment: checkout_test, variation: treatment}]
      sent: {visitors: [{visitor_id: u-1, snapshots: [{events: [{revenue: 4999, uuid: !uuid}]}]}]}
  received:
    - account_id: "12001"
      anonymize_ip: !any
      client_name: Segment
      enrich_decisions: true
      visitors:
        - visitor_id: u-1
          attributes: !any
          snapshots:
            - decisions: []
              events:
                - {entity_id: !any, key: Order Completed, timestamp: 1768471201000, uuid: !uuid, revenue: 4999, value: 49.99, tags: {sku: a}}
  results: {checkout_test: {treatment: {visitors: 1, Order Completed: {unique: 1, total: 1, revenue: 4999, value: 49.99}}}}
  subject_access_requests: []
  requests: {datafile: 1, events: 1, privacy: 0}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def write(text: str, name: str = "a.scenario.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


def run_json(*arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["run", "--quiet", "--json", "run.json", *(arguments or ["."])])
    return code, json.loads(Path("run.json").read_text(encoding="utf-8"))


def test_all_as_expected_is_0(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(PURCHASE)
    assert main(["run", "a.scenario.yaml"]) == 0
    out = capsys.readouterr().out
    assert "✓ A purchase by an activated user is counted" in out
    assert "1 passed, 0 failed" in out


WRONG = [
    ("outcome: counted", "outcome: user_not_activated", "tracks[0].outcome", 9, "user_not_activated", "counted"),
    ("attributed_to: [{experiment: checkout_test, variation: treatment}]", "attributed_to: [{experiment: checkout_test, variation: control}]", "tracks[0].attributed_to[0].variation", 10, "control", "treatment"),
    ("events: [{revenue: 4999, uuid: !uuid}]", "events: [{revenue: 4998, uuid: !uuid}]", "tracks[0].sent.visitors[0].snapshots[0].events[0].revenue", 11, 4998, 4999),
    ("tags: {sku: a}", "tags: {sku: b}", "received[0].visitors[0].snapshots[0].events[0].tags.sku", 23, "b", "a"),
    ("tags: {sku: a}", "tags: {}", "received[0].visitors[0].snapshots[0].events[0].tags.sku", 23, None, "a"),
    ("Order Completed: {unique: 1", "Order Completed: {unique: 2", "results.checkout_test.treatment.Order Completed.unique", 24, 2, 1),
    ("subject_access_requests: []", "subject_access_requests: [{status: pending}]", "subject_access_requests[0]", 25, {"status": "pending"}, None),
    ("requests: {datafile: 1, events: 1", "requests: {datafile: 2, events: 1", "requests.datafile", 26, 2, 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "where", "line", "expected", "captured"), WRONG, ids=[row[2] for row in WRONG]
)
def test_a_wrong_expectation_is_1_and_names_the_field(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    right: str,
    wrong: str,
    where: str,
    line: int,
    expected: Any,
    captured: Any,
) -> None:
    assert PURCHASE.count(right) == 1
    write(PURCHASE.replace(right, wrong))
    code, run = run_json("a.scenario.yaml")
    assert code == 1
    (difference,) = run["scenarios"][0]["differences"]
    assert (difference["where"], difference["line"]) == (where, line)
    assert (difference.get("expected"), difference.get("captured")) == (expected, captured)
    out = capsys.readouterr().out
    assert where in out
    assert f"{line} │" in out
    assert "optilocal run a.scenario.yaml:1" in out


def test_the_verdict_says_why_and_what_to_do(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        PURCHASE.replace(
            "track: {userId: u-1, event: Order Completed", "track: {userId: u-1, event: order completed"
        )
    )
    assert main(["run", "a.scenario.yaml"]) == 1
    out = capsys.readouterr().out
    assert re.search(r'verdict +unmatched_event_key: .*"Order Completed", which differs in case', out)
    assert re.search(r'remedy +Track the event as "Order Completed"', out)


def test_a_text_where_a_number_came_can_be_told_from_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("""\
scenario: Counted, with the key that was looked up
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, messageId: m-1}
expect:
  tracks: [{event_key: Order Completed, uuid: m-1}]
  results: {checkout_test: {treatment: {visitors: "1"}}}
""")
    assert main(["run", "a.scenario.yaml"]) == 1
    out = capsys.readouterr().out
    assert re.search(r'expected +"1"\n +captured +1\n', out)


def test_what_counts_needs_no_remedy(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(PURCHASE.replace("outcome: counted", "outcome: no_experiment"))
    assert main(["run", "a.scenario.yaml"]) == 1
    out = capsys.readouterr().out
    assert re.search(r"verdict +counted: ", out) and "remedy" not in out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_an_output_that_knows_no_tick_changes_no_outcome(here: Path, encoding: str) -> None:
    write(PURCHASE.replace("scenario: ", "scenario: Käufe, "))
    ended = subprocess.run(
        [sys.executable, "-m", "optilocal.scenarios", "run", "a.scenario.yaml"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, b"")
    tick = "✓ Käufe".encode(encoding, "backslashreplace")
    assert tick in ended.stdout and b"1 passed" in ended.stdout


def test_a_track_too_few_is_a_difference(here: Path) -> None:
    write(PURCHASE.replace("  - track:", "  - track: {event: Signed Up}\n  - track:"))
    code, run = run_json()
    assert code == 1
    wrong = [difference["where"] for difference in run["scenarios"][0]["differences"]]
    assert "tracks[1]" in wrong


MISTAKES = {
    "unknown key": ("a.scenario.yaml", PURCHASE.replace("outcome:", "outcme:"), r"a\.scenario\.yaml:9:7: .*did you mean 'outcome'.*\n  9 │     - outcme: counted\n    │       \^{6}"),
    "no yaml": ("a.scenario.yaml", "scenario: [\n", r"a\.scenario\.yaml:1:11: the \[ that opens here is never closed\n  1 │ scenario: \[\n    │           \^"),
    "no datafile": ("a.scenario.yaml", PURCHASE + "datafile: gone.json\n", r"a\.scenario\.yaml:27:11: cannot read the datafile .*gone\.json.*\n  27 │ datafile: gone\.json\n     │           \^{9}"),
    "no such path": ("b.txt", "", r"a\.scenario\.yaml: no such file or folder"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_run_is_2_with_its_place_and_nothing_sent(
    here: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    name, text, says = MISTAKES[mistake]
    write(text, name)
    assert main(["run", "a.scenario.yaml"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(f"optilocal: .*{says}.*\n", captured.err)


def test_a_fault_that_breaks_off_what_the_scenario_asks_itself_is_2_with_its_reason(here: Path) -> None:
    write(
        "scenario: s\n"
        "steps:\n"
        "  - identify: {userId: u-1}\n"
        "  - fault: {on: privacy, break: reset}\n"
        "expect:\n"
        "  subject_access_requests: []\n"
    )
    code, run = run_json()
    assert code == 2
    assert run["scenarios"][0]["status"] == "error"
    assert "ConnectionResetError" in json.dumps(run["scenarios"][0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--workers", "0"], "--workers"),
        (["run", "--unheard-of"], "No such option '--unheard-of'"),
        (["run", "-k", "(a"], "cannot be read at"),
        (["run", "--json", "no/such/folder/x.json"], "cannot write no/such/folder/x.json"),
        (["run", "--emulator", "http://127.0.0.1:9"], "no emulator answers at http://127.0.0.1:9"),
        (["run", "--forwarder", "http://127.0.0.1:9"], "--forwarder goes with --emulator"),
        (["up", "--emulator-port", "70000"], "70000 is not in the range"),
        (["up", "--emulator-port", "0", "--datafile", "gone.json"], "gone.json"),
        (["up", "--emulator-port", "0", "--settings", "gone.json"], "gone.json"),
        (["up", "--emulator-port", "0", "--journal", "."], "journal"),
        (["explain", "m", "--emulator", "http://127.0.0.1:9"], "no emulator answers"),
        (["rnu"], "there is no command 'rnu' (did you mean 'run'?); see `optilocal --help`"),
        (["run", "--jsn", "x"], "Did you mean one of: '--json'"),
        (["check", "--events", "a"], "Missing option '--datafile'"),
        ([], "Missing command; see `optilocal --help`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_usage_is_2_with_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    write(PURCHASE)
    if arguments[:1] == ["run"]:
        arguments = [*arguments, "a.scenario.yaml"]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("optilocal: ") and says in captured.err


def test_a_journal_file_that_is_none_is_refused_and_left_as_it_was(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("dear diary")
    assert main(["up", "--emulator-port", "0", "--forwarder-port", "0", "--journal", "notes.txt"]) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert Path("notes.txt").read_text() == "dear diary"


def test_the_outcome_is_the_same_for_any_number_of_workers(here: Path) -> None:
    second = PURCHASE.replace("counted\n", "excluded\n").replace("scenario: A", "scenario: Another")
    write("---\n".join([PURCHASE, second, PURCHASE] * 3))
    runs = [run_json("--workers", workers, ".") for workers in ("1", "3", "9")]
    assert [code for code, _ in runs] == [1, 1, 1]
    shown = [
        [(entry["id"], entry["status"], entry["reason"]) for entry in run["scenarios"]] for _, run in runs
    ]
    assert shown[0] == shown[1] == shown[2]
    assert [status for _, status, _ in shown[0]] == ["passed", "failed", "passed"] * 3


def test_fail_fast_begins_nothing_after_the_first_failure(here: Path) -> None:
    bad = PURCHASE.replace("outcome: counted", "outcome: excluded")
    write("---\n".join([PURCHASE, bad, PURCHASE, PURCHASE]))
    code, run = run_json("--fail-fast", "--workers", "1", ".")
    assert code == 1
    assert [entry["status"] for entry in run["scenarios"]] == ["passed", "failed"]
    assert run["counts"] == {"total": 4, "passed": 1, "failed": 1, "error": 0}


def test_list_shows_what_would_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(PURCHASE)
    assert main(["run", "--list", "--tag", "smoke", "."]) == 0
    assert (
        capsys.readouterr().out == "a.scenario.yaml:1  A purchase by an activated user is counted  [smoke]\n"
    )


def test_the_rerun_command_reruns_only_that_one(here: Path) -> None:
    write(PURCHASE + "---\n" + PURCHASE.replace("counted\n", "excluded\n"))
    _, run = run_json(".")
    rerun = run["scenarios"][1]["rerun"].split(" ")[-1]
    code, again = run_json(rerun)
    assert code == 1
    assert [entry["id"] for entry in again["scenarios"]] == [run["scenarios"][1]["id"]]


def test_the_same_scenario_gives_the_same_ids_every_time(here: Path) -> None:
    write(PURCHASE)
    ids = [run_json()[1]["scenarios"][0]["verdicts"][0]["message_id"] for _ in range(2)]
    assert ids[0] == ids[1]


def test_the_result_document_goes_to_standard_output(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(PURCHASE)
    assert main(["run", "--json", "-", "."]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["counts"]["passed"] == 1
    assert "1 passed" in captured.err


def test_the_command_has_no_traceback_when_its_reader_leaves(here: Path) -> None:
    write(PURCHASE)
    command = f"{sys.executable} -m optilocal run . | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False, env={**os.environ}
    )
    assert "Traceback" not in done.stderr
