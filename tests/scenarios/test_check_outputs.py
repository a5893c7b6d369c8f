"""`optilocal check` for other tools: annotations, JUnit XML, SARIF; and source code in Dart, Vue templates and Go."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

VUE = """\
<template>
  <button @click="analytics.track('Order Complete', {revenue: 4999})">Buy</button>
  <a
     @click='$analytics.track("Product Added")' href="x">b</a>
</template>
<script>
const text = "analytics.track('Not A Handler')"
</script>
"""
DART = (
    "void f() { analytics.track('Signed Upp', properties: {'plan': 1}); analytics.track(\"Hello $name\"); }\n"
)
GO = 'client.Enqueue(analytics.Track{Event: "Order Completed", UserId: "u", Properties: analytics.NewProperties().SetRevenue(9.99)})'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    (tmp_path / "src").mkdir()
    for name, text in (("a.vue", VUE), ("b.dart", DART), ("c.go", GO)):
        (tmp_path / "src" / name).write_text(text, encoding="utf-8")
    (tmp_path / "shop.json").write_bytes(SHOP.read_bytes())
    return tmp_path


def check(*options: str) -> int:
    return main(["check", "--datafile", "shop.json", "--events", "src", *options])


def test_dart_handlers_in_templates_and_setters_are_read(here: Path) -> None:
    assert check("--json", "report.json") == 1
    report = json.loads(Path("report.json").read_text())
    places = {event["event"]: (event["verdict"], event["places"]) for event in report["events"]}
    assert places == {
        "Order Complete": ("never_counts", [{"file": "src/a.vue", "line": 2}]),
        "Product Added": ("counts", [{"file": "src/a.vue", "line": 4}]),
        "Signed Upp": ("never_counts", [{"file": "src/b.dart", "line": 1}]),
        "Order Completed": ("never_counts", [{"file": "src/c.go", "line": 1}]),
    }
    (revenue,) = [finding for finding in report["findings"] if finding["event"] == "Order Completed"]
    assert "Revenue must be an integer" in revenue["message"]
    (unclear,) = [finding for finding in report["findings"] if finding["code"] == "name_not_written_out"]
    assert unclear["places"] == [{"file": "src/b.dart", "line": 1}]


def test_github_gets_errors_and_warnings_at_their_lines(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check("--github") == 1
    commands = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert any(
        line.startswith("::error file=src/a.vue,line=2,title=Order Complete%3A unmatched_event_key::")
        for line in commands
    )
    assert any(
        line.startswith("::warning file=src/b.dart,line=1,title=name_not_written_out::") for line in commands
    )
    assert any(
        line.startswith("::warning file=shop.json,line=1,title=Product Viewed%3A metric_never_sent")
        for line in commands
    )


def test_junit_has_a_case_an_event(here: Path) -> None:
    assert check("--junit", "report.xml") == 1
    suite = ElementTree.parse("report.xml").getroot().find("testsuite")
    assert suite is not None
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {"Order Complete", "Order Completed", "Signed Upp"}
    assert "Product Added" in cases
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), "3")
    failure = cases["Order Complete"].find("failure")
    assert failure is not None and "src/a.vue:2" in str(failure.text)


def test_sarif_has_a_result_a_finding_and_a_rule_a_code(here: Path) -> None:
    assert check("--sarif", "report.sarif", "--json", "report.json") == 1
    document = json.loads(Path("report.sarif").read_text())
    findings = json.loads(Path("report.json").read_text())["findings"]
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert len(run["results"]) == len(findings)
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        finding["code"] for finding in findings
    }
    assert {(row["ruleId"], row["level"]) for row in run["results"]} >= {
        ("unmatched_event_key", "error"), ("metric_never_sent", "warning"),
    }  # fmt: skip
    (missed,) = [
        row
        for row in run["results"]
        if row["ruleId"] == "unmatched_event_key" and "Order Complete" in row["message"]["text"]
    ]
    assert missed["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "src/a.vue"}, "region": {"startLine": 2}}}
    ]


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
def test_a_report_that_cannot_be_written_is_2(
    here: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert check(option, "no/such/folder/x") == 2
    assert "cannot write no/such/folder/x" in capsys.readouterr().err
