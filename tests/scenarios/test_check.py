"""`optilocal check` as its user runs it: files in, report and exit code out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def check(tmp_path: Path) -> Run:
    """Write the events file, run the command with --json; its exit code and report."""

    def run(
        name: str, content: str, *options: str, datafile: str | Path = SHOP
    ) -> tuple[int, dict[str, Any]]:
        file = tmp_path / name
        file.write_text(content, encoding="utf-8")
        report = tmp_path / "report.json"
        code = main(
            ["check", "--datafile", str(datafile), "--events", str(file), "--json", str(report), *options]
        )
        return code, json.loads(report.read_text(encoding="utf-8"))

    return run


def _findings(report: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [finding for finding in report["findings"] if finding["code"] == code]


def _verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {event["event"]: event["verdict"] for event in report["events"]}


def _event(**fields: Any) -> str:
    event = {
        "type": "track", "event": "Order Completed", "userId": "u-1", "messageId": "m-1",
        "timestamp": "2026-01-15T10:00:00.000Z", "properties": {}, "context": {},
    }  # fmt: skip
    return json.dumps({**event, **fields})


def test_names_that_all_count_give_0(check: Run) -> None:
    code, report = check("events.txt", "# what we track\n\nOrder Completed\nProduct Added\n")
    assert (code, report["ok"]) == (0, True)
    assert _verdicts(report) == {"Order Completed": "counts", "Product Added": "counts"}
    assert report["version"] == 1
    assert report["datafile"]["revision"] == "42"
    assert report["events"][0]["experiments"] == [
        {"experiment": "checkout_test", "status": "Running", "running": True}
    ]


@pytest.mark.parametrize(
    ("name", "nearest", "differs"),
    [
        ("order completed", "Order Completed", "in case"),
        ("Order  Completed", "Order Completed", "in spacing"),
        ("order_completed", "Order Completed", "in case and spacing"),
        ("Order Complete", "Order Completed", "in spelling"),
        ("Signed Up ", "Signed Up", "in spacing"),
    ],
)
def test_a_name_that_is_no_key_is_told_with_the_nearest_and_how_it_differs(
    check: Run, name: str, nearest: str, differs: str
) -> None:
    code, report = check("events.txt", f"Product Added\n{name}\n")
    assert code == 1
    (finding,) = _findings(report, "unmatched_event_key")
    assert finding["severity"] == "never_counts"
    assert finding["event"] == name
    assert finding["nearest"][0]["key"] == nearest
    assert finding["nearest"][0]["differs"].startswith(differs)
    assert f"Event with name {name} is not defined" in finding["message"]
    assert [place["line"] for place in finding["places"]] == [2]
    assert nearest in finding["remedy"]


def test_a_name_like_nothing_in_the_datafile_has_no_nearest(check: Run) -> None:
    _, report = check("events.txt", "Teapot Boiled\n")
    (finding,) = _findings(report, "unmatched_event_key")
    assert finding["nearest"] == []
    assert 'Create an event with the key "Teapot Boiled"' in finding["remedy"]


def test_a_key_without_experiment_and_one_of_a_paused_experiment_never_count(check: Run) -> None:
    code, report = check("events.txt", "Newsletter Subscribed\nPlan Upgraded\n")
    assert code == 1
    assert [finding["event"] for finding in _findings(report, "no_experiment")] == ["Newsletter Subscribed"]
    (paused,) = _findings(report, "experiment_not_running")
    assert paused["event"] == "Plan Upgraded"
    assert '"pricing_page_test" is Paused' in paused["message"]


def test_an_event_on_a_running_and_a_paused_experiment_counts(check: Run) -> None:
    code, report = check("events.txt", "Signed Up\n")
    assert code == 0
    experiments = {one["experiment"]: one["running"] for one in report["events"][0]["experiments"]}
    assert experiments == {"homepage_banner_test": True, "pricing_page_test": False}


def test_metrics_that_nothing_sends_are_worth_knowing_and_fail_only_when_strict(check: Run) -> None:
    code, report = check("events.txt", "Order Completed\n")
    unsent = {finding["event"] for finding in _findings(report, "metric_never_sent")}
    assert {"Product Added", "Product Viewed", "Products Searched", "Signed Up"} <= unsent
    assert not unsent & {"Plan Upgraded", "Newsletter Subscribed", "Order Completed"}
    assert {"experiment": "checkout_test", "event": "Order Completed", "tracked": True} in report["metrics"]
    assert code == 0
    assert check("events.txt", "Order Completed\n", "--strict")[0] == 1


def test_recorded_events_are_judged_with_segments_own_texts(check: Run) -> None:
    lines = [
        _event(messageId="1", properties={"revenue": 1999}),
        _event(messageId="2", properties={"revenue": 19.99}),
        _event(messageId="3", userId=None),
        _event(messageId="4", userId="", anonymousId="a"),
        _event(messageId="5", timestamp="not a date"),
    ]
    code, report = check("recorded.jsonl", "\n".join(lines))
    assert code == 1
    said = {
        finding["message"]: finding["places"][0]["line"] for finding in _findings(report, "invalid_payload")
    }
    refused = "Segment refuses the whole event: "
    assert said == {
        refused + "Revenue must be an integer but it was a number.": 2,
        refused + "The root value is missing the required field 'userId'.": 3,
        refused + "Timestamp must be a valid date-like string but it was not.": 5,
    }
    (event,) = [one for one in report["events"] if one["event_key"] == "Order Completed"]
    assert (event["verdict"], event["seen"], event["counting"]) == ("partly", 5, 1)


def test_one_mistake_in_many_events_is_one_finding_with_their_number(check: Run) -> None:
    lines = [_event(messageId=str(number), properties={"revenue": 1.5}) for number in range(50)]
    _, report = check("recorded.jsonl", "\n".join(lines))
    (finding,) = _findings(report, "invalid_payload")
    assert finding["count"] == 50
    assert [place["line"] for place in finding["places"]] == list(range(1, 21))


def test_traits_that_are_no_attributes_or_no_scalars_are_dropped_which_is_worth_knowing(check: Run) -> None:
    traits = {
        "plan": "gold",
        "Country": "DE",
        "shoe_size": 42,
        "device": {"kind": "phone"},
        "favourite_store": None,
    }
    code, report = check("recorded.jsonl", _event(context={"traits": traits}))
    assert code == 0
    unknown = {
        finding["message"].split('"')[1]: finding
        for finding in _findings(report, "attribute_not_in_datafile")
    }
    assert unknown.keys() == {"Country", "shoe_size"}
    assert unknown["Country"]["nearest"] == [{"key": "country", "differs": "in case"}]
    (not_scalar,) = _findings(report, "non_scalar_trait")
    assert '"device" is an object' in not_scalar["message"]


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"revenue": 20, "total": 20}, "revenue_not_in_cents"),
        ({"revenue": 20, "value": 20.0}, "revenue_not_in_cents"),
        ({"revenue": "20"}, "revenue_coerced"),
    ],
)
def test_suspicious_revenue_is_worth_knowing(check: Run, properties: dict[str, Any], code: str) -> None:
    exit_code, report = check("recorded.jsonl", _event(properties=properties))
    assert exit_code == 0
    assert [finding["severity"] for finding in _findings(report, code)] == ["worth_knowing"]


def test_whole_revenue_beside_fractions_of_the_same_event_is_in_the_same_wrong_unit(check: Run) -> None:
    lines = [
        _event(messageId="1", properties={"revenue": 19.99}),
        _event(messageId="2", properties={"revenue": 20}),
    ]
    _, report = check("recorded.jsonl", "\n".join(lines))
    (finding,) = _findings(report, "revenue_not_in_cents")
    assert [place["line"] for place in finding["places"]] == [2]


def test_revenue_in_cents_is_not_suspected(check: Run) -> None:
    _, report = check("recorded.jsonl", _event(properties={"revenue": 1999, "value": 19.99, "total": 19.99}))
    assert _findings(report, "revenue_not_in_cents") == []


def test_identity_time_and_repetition_of_recorded_events(check: Run) -> None:
    lines = [
        _event(userId=None, anonymousId="a-1"),
        _event(messageId="m-2", timestamp="1704164645"),
        _event(messageId="m-2"),
    ]
    code, report = check("recorded.jsonl", "\n".join(lines))
    assert code == 0
    found = {
        name: _findings(report, name) for name in ("counted_under_anonymous_id", "odd_timestamp", "duplicate")
    }
    assert {name: [place["line"] for place in one[0]["places"]] for name, one in found.items()} == {
        "counted_under_anonymous_id": [1],
        "odd_timestamp": [2],
        "duplicate": [3],
    }
    assert "1705" in found["odd_timestamp"][0]["message"]


def test_an_event_as_a_library_sends_it_is_completed_as_at_segments_door(check: Run) -> None:
    code, report = check("recorded.jsonl", '{"type": "track", "event": "Order Completed", "userId": "u-1"}')
    assert (code, _verdicts(report)) == (0, {"Order Completed": "counts"})


def test_other_calls_are_passed_over_and_identify_traits_are_remembered(check: Run) -> None:
    lines = [
        json.dumps({"type": "identify", "userId": "u-1", "traits": {"plan": "gold", "nickname": "x"}}),
        json.dumps({"type": "page", "name": "Home"}),
        _event(),
    ]
    code, report = check("recorded.jsonl", "\n".join(lines))
    assert code == 0
    assert report["passed_over"] == {"identify": 1, "page": 1}
    (finding,) = _findings(report, "identify_traits_unused")
    assert '"plan"' in finding["message"]


def test_an_event_that_its_integrations_keep_from_the_destination_never_counts(check: Run) -> None:
    code, report = check("recorded.jsonl", _event(integrations={"All": False}))
    assert code == 1
    assert "integrations" in _findings(report, "not_subscribed")[0]["message"]


def test_the_users_own_mapping_decides_the_key_and_the_revenue(check: Run, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    fields = {
        "eventKey": {"@path": "$.properties.goal"}, "userId": {"@path": "$.userId"}, "timestamp": {"@path": "$.timestamp"},
        "uuid": {"@path": "$.messageId"},
    }  # fmt: skip
    mapping = {"name": "Goals", "trigger": 'event = "Goal Reached"', "fields": fields}
    settings.write_text(json.dumps({"mappings": [mapping]}), encoding="utf-8")
    recorded = "\n".join(
        [
            _event(event="Goal Reached", properties={"goal": "Order Completed", "revenue": 1.5}),
            _event(messageId="m-2"),
        ]
    )
    code, report = check("recorded.jsonl", recorded, "--settings", str(settings))
    assert code == 1
    events = {event["event"]: (event["event_key"], event["verdict"]) for event in report["events"]}
    assert events == {
        "Goal Reached": ("Order Completed", "counts"),
        "Order Completed": (None, "never_counts"),
    }
    assert _findings(report, "not_subscribed")[0]["event"] == "Order Completed"


def test_the_report_for_people_names_event_verdict_place_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.txt"
    file.write_text("order completed\nOrder Completed\n", encoding="utf-8")
    assert main(["check", "--datafile", str(SHOP), "--events", str(file)]) == 1
    shown = capsys.readouterr().out
    for words in ("never counts", "checkout_test", "events.txt:1", "Never counts", "Worth knowing", "To do:"):
        assert words in shown
    assert "1 of 2 events can count, 1 never count" in shown


def test_the_last_line_tells_what_is_lost_in_part_from_what_never_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    lines = [
        {"event": "Order Completed", "userId": "u", "properties": {"revenue": cents}} for cents in (1, 0.5)
    ]
    file.write_text("".join(json.dumps({"type": "track", **line}) + "\n" for line in lines), encoding="utf-8")
    assert main(["check", "--datafile", str(SHOP), "--events", str(file)]) == 1
    assert "0 of 1 events can count, 1 only in part, 0 never count, " in capsys.readouterr().out


def test_hundreds_of_metrics_nobody_sends_bury_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    datafile = json.loads(SHOP.read_text(encoding="utf-8"))
    running = next(one["id"] for one in datafile["experiments"] if one["status"] == "Running")
    datafile["events"] += [
        {"id": str(70_000 + n), "key": f"Metric {n}", "experimentIds": [running]} for n in range(100)
    ]
    (tmp_path / "datafile.json").write_text(json.dumps(datafile), encoding="utf-8")
    names = [event["key"] for event in datafile["events"] if not event["key"].startswith("Metric")]
    (tmp_path / "events.txt").write_text("\n".join(names), encoding="utf-8")
    arguments = ["--datafile", str(tmp_path / "datafile.json"), "--events", str(tmp_path / "events.txt")]
    main(["check", *arguments, "--json", str(tmp_path / "report.json")])
    shown = capsys.readouterr().out
    assert shown.count("  metric_never_sent") == 10
    assert "90 more metric_never_sent; --json FILE has them all" in shown
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert len(_findings(report, "metric_never_sent")) == 100


def test_what_some_sdk_refuses_and_unknown_statuses_are_worth_knowing(check: Run, tmp_path: Path) -> None:
    datafile = json.loads(SHOP.read_bytes())
    del datafile["experiments"][0]["audienceIds"]
    datafile["experiments"][1]["status"] = "running"
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(datafile), "utf-8")
    code, report = check("events.txt", "Order Completed\nProduct Viewed\n", datafile=odd)
    assert (code, _verdicts(report)) == (1, {"Order Completed": "counts", "Product Viewed": "never_counts"})
    [status] = _findings(report, "unknown_status")
    assert 'experiments[1].status is "running": Optimizely writes "Running"' in status["message"]
    [refused] = _findings(report, "python_sdk_refuses")
    assert refused["message"].startswith(
        "experiments[0].audienceIds is missing: Optimizely's Python SDK refuses"
    )
    assert {status["severity"], refused["severity"]} == {"worth_knowing"}


def test_json_to_standard_output_leaves_it_to_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.txt"
    file.write_text("Order Completed\n", encoding="utf-8")
    assert main(["check", "--datafile", str(SHOP), "--events", str(file), "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["ok"] is True
    assert "can count" in captured.err


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", "\n \n", "is empty"),
        ("broken.json", '{"rules": [', "is not valid JSON"),
        ("other.json", '{"a": 1}', "nothing tracked was found"),
        ("lines.jsonl", '{"type": "track", "event": "A"}\n{broken\n', "lines.jsonl:2: this line is not"),
        ("numbers.jsonl", "5\n", "numbers.jsonl:1: a recorded event is a JSON object"),
    ],
)
def test_an_unreadable_file_is_one_line_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, reason: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert main(["check", "--datafile", str(SHOP), "--events", str(file)]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--events", "x.txt"], "Missing option '--datafile'"),
        (["--datafile", "none.json", "--events", "x.txt"], "cannot read the datafile none.json"),
        (["--datafile", str(SHOP), "--events", "none.txt"], "cannot read none.txt"),
        (["--datafile", str(SHOP), "--events", "none/"], "cannot read none"),
        (["--datafile", str(SHOP), "--events", "none.py"], "no such file"),
        (["--datafile", __file__, "--events", "x.txt"], "is not valid JSON"),
        (["--datafile", str(SHOP)], "--events"),
    ],
)
def test_what_cannot_work_is_one_line_and_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main(["check", *arguments]) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_a_file_that_is_no_datafile_is_told_what_it_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "datafile.json"
    file.write_text('{"version": "4"}', encoding="utf-8")
    assert main(["check", "--datafile", str(file), "--events", str(SHOP)]) == 2
    assert "'revision' is missing" in capsys.readouterr().err


def test_every_code_is_in_the_documentation_and_no_other() -> None:
    root = Path(__file__).parents[2]
    source = "".join(file.read_text(encoding="utf-8") for file in (root / "scenarios" / "check").glob("*.py"))
    used = set(re.findall(r'\.(?:never_counts|worth_knowing)\(\s*"([a-z_]+)"', source))
    documented = re.findall(
        r"^\| `([a-z_]+)` \|", (root / "docs" / "check.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert used == set(documented)
