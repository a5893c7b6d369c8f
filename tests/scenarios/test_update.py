"""`run --update` as its user runs it: what is rewritten in the file, and what stays byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.editing.update import check_allowed

HEAD = """\
# A file with comments everywhere.
scenario: One   # the name
clock: 2026-01-15T10:00:00Z
steps:
  - activate: {user: u-1, experiment: checkout_test, variation: treatment}
  - track: {userId: u-1, event: Order Completed, properties: {revenue: 4999}}   # the purchase
"""


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def _write(folder: Path, text: str) -> Path:
    file = folder / "a.scenario.yaml"
    file.write_bytes(text.encode())
    return file


def _updated(folder: Path, text: str, *options: str) -> str:
    """The file after an update, which must have made it pass; a second update changes nothing."""
    file = _write(folder, text)
    assert main(["run", str(file), "--update", "--quiet", *options]) == 0
    new = file.read_bytes()
    assert main(["run", str(file), "--quiet"]) == 0
    assert main(["run", str(file), "--update", "--quiet"]) == 0
    assert file.read_bytes() == new
    return new.decode()


def test_only_what_differs_is_rewritten_and_all_else_stays_to_the_byte(tmp_path: Path) -> None:
    before = """\
expect:
  # what becomes of it
  tracks:
    -   outcome: duplicate   # not so
        visitor_id:   !regex "^u-"     # still holds
        sent: { visitors: [ {visitor_id: 'u-2', snapshots: [{events: [{revenue: 1, uuid: !uuid}]}]} ] }  # half wrong
  results: {checkout_test: {treatment: {visitors: 7, Order Completed: {revenue: !approx [5000, 1]}}}}
  requests: {events: 1, datafile: 2, privacy: 0}


# the end
"""
    after = (
        before.replace("duplicate ", "counted ")
        .replace("'u-2'", "u-1")
        .replace("revenue: 1,", "revenue: 4999,")
        .replace("visitors: 7", "visitors: 1")
        .replace("datafile: 2", "datafile: 1")
    )
    assert _updated(tmp_path, HEAD + before) == HEAD + after


def test_windows_line_ends_and_a_byte_order_mark_stay(tmp_path: Path) -> None:
    text = "\ufeff" + HEAD + "expect:\n  tracks:\n    - outcome: duplicate\n"
    wanted = text.replace("duplicate", "counted").replace("\n", "\r\n")
    assert _updated(tmp_path, text.replace("\n", "\r\n")) == wanted


def test_entries_are_added_and_taken_out_in_both_styles_of_yaml(tmp_path: Path) -> None:
    before = """\
expect:
  tracks:
    - outcome: counted
      attributed_to: []
    - outcome: counted  # one too many
  results:
    checkout_test:
      treatment: {visitors: 1}
      # a comment above what goes
      red: {visitors: 1}
    checkout_tests: {treatment: {visitors: 1}}
  requests:
    datafile: 1
"""
    after = """\
expect:
  tracks:
    - outcome: counted
      attributed_to: [{experiment: checkout_test, variation: treatment}]
  results:
    checkout_test:
      treatment: {visitors: 1}
      # a comment above what goes
  requests:
    datafile: 1
    events: 1
"""
    assert _updated(tmp_path, HEAD + before) == HEAD + after


def test_received_batches_are_written_out_with_matchers_where_a_run_makes_things_up(tmp_path: Path) -> None:
    head = HEAD.replace("clock: 2026-01-15T10:00:00Z\n", "")
    text = _updated(tmp_path, head + "expect:\n  received: []\n")
    assert "uuid: !uuid" in text
    assert "timestamp: !timestamp" in text
    assert "revenue: 4999" in text
    assert text.startswith(head)


def test_what_is_received_no_more_goes(tmp_path: Path) -> None:
    steps = HEAD.replace("Order Completed", "Nothing Known")
    before = (
        "expect:\n  received:\n    - {account_id: '1'}\n    - {account_id: '2'}   # gone\n  tracks: !any\n"
    )
    assert _updated(tmp_path, steps + before) == steps + "expect:\n  received: []   # gone\n  tracks: !any\n"


def test_a_missing_expect_fails_without_update_and_is_filled_in_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        HEAD + "  - track: {event: order completed}\n# the end\n---\nscenario: Two\nsteps:\n  - forget: {}\n"
    )
    file = _write(tmp_path, text)
    assert main(["run", str(file)]) == 2
    assert "needs 'expect'" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text
    new = _updated(tmp_path, text)
    for kept in (HEAD, "# the end\n---\nscenario: Two\nsteps:\n  - forget: {}\n"):
        assert kept in new
    assert "{outcome: counted, attributed_to: [{experiment: checkout_test, variation: treatment}]}" in new
    assert "- outcome: unmatched_event_key\n" in new
    assert "expect:\n  requests: {datafile: 0, events: 0, privacy: 0}\n" in new


def test_the_value_of_a_row_is_rewritten_in_its_row(tmp_path: Path) -> None:
    text = """\
scenario: ${event}
rows:
  - {event: Order Completed, outcome: counted}   # not activated
  - {event: order completed, outcome: unmatched_event_key}
steps:
  - track: {userId: u-1, event: "${event}"}
expect: {tracks: [{outcome: "${outcome}"}]}
"""
    after = text.replace("outcome: counted}", "outcome: user_not_activated}")
    assert _updated(tmp_path, text) == after


def test_what_rows_share_but_not_all_agree_on_is_left_to_the_author(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """\
scenario: ${event}
rows: [{event: Order Completed}, {event: order completed}]
steps:
  - track: {userId: u-1, event: "${event}"}
expect: {tracks: [{outcome: user_not_activated}]}
"""
    file = _write(tmp_path, text)
    assert main(["run", str(file), "--update"]) == 1
    assert "its rows differ at expect.tracks.0.outcome; change it by hand" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


def test_an_alias_is_not_rewritten_behind_the_back_of_who_shares_it(tmp_path: Path) -> None:
    text = HEAD + "expect:\n  tracks: [{outcome: &o counted, visitor_id: *o }]\n"
    after = text.replace("{outcome: &o counted, visitor_id: *o }", "{outcome: counted, visitor_id: u-1}")
    assert _updated(tmp_path, text) == after


def test_scenarios_that_hold_and_files_not_chosen_are_not_touched(tmp_path: Path) -> None:
    held = HEAD + "expect: { tracks: [ {outcome: counted} ] }\n"
    other = tmp_path / "b.scenario.yaml"
    other.write_text(HEAD + "expect: {tracks: [{outcome: duplicate}]}\n", encoding="utf-8")
    untouched = other.read_bytes()
    wrong = HEAD.replace("One", "Two") + "expect: {tracks: [{outcome: duplicate}]}\n"
    new = _updated(tmp_path, held + "---\n" + wrong + "---\n" + held)
    assert new == held + "---\n" + wrong.replace("duplicate", "counted") + "---\n" + held
    assert other.read_bytes() == untouched


@pytest.mark.parametrize(
    ("times", "environment", "allowed"),
    [
        (1, {}, True),
        (1, {"CI": "false"}, True),
        (1, {"CI": "true"}, False),
        (1, {"CI": "1"}, False),
        (2, {"CI": "true"}, True),
        (0, {"CI": "true"}, True),
    ],
)
def test_in_ci_it_must_be_said_twice(times: int, environment: dict[str, str], allowed: bool) -> None:
    if allowed:
        check_allowed(times, environment)
    else:
        with pytest.raises(Exception, match="--update --update"):
            check_allowed(times, environment)


def test_in_ci_nothing_is_run_or_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    text = HEAD + "expect: {tracks: [{outcome: duplicate}]}\n"
    file = _write(tmp_path, text)
    assert main(["run", str(file), "--update"]) == 2
    assert "say it twice" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text
    assert main(["run", str(file), "--update", "--update"]) == 0
    assert file.read_text(encoding="utf-8") == text.replace("duplicate", "counted")
