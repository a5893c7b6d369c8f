"""JUnit XML: valid by the strictest schema whatever a run holds, and everything that a viewer of it shows is in it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from run_samples import made_entry, made_run, real_run

from optilocal.scenarios.reporters import junit

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")


def rendered(run: dict[str, object]) -> ElementTree.Element:
    """The run as JUnit XML, which the schema takes."""
    xml = junit.render(run)
    SCHEMA.validate(xml)
    return ElementTree.fromstring(xml)


def test_a_real_run_is_valid_and_complete() -> None:
    run = real_run()
    root = rendered(run)
    assert [suite.get("name") for suite in root] == list(
        dict.fromkeys(entry["file"] for entry in run["scenarios"])
    )
    for count, status in (("tests", "total"), ("failures", "failed"), ("errors", "error")):
        assert sum(int(suite.get(count, "")) for suite in root) == run["counts"][status]
    cases = root.findall(".//testcase")
    assert [case.get("name") for case in cases] == [entry["name"] for entry in run["scenarios"]]
    found = {"passed": None, "failed": "failure", "error": "error"}
    for case, entry in zip(cases, run["scenarios"], strict=True):
        assert [child.tag for child in case] == [tag for tag in [found[entry["status"]]] if tag]


def test_a_failure_carries_all_that_is_known_of_it() -> None:
    run = real_run()
    entry = next(entry for entry in run["scenarios"] if entry["status"] == "failed")
    failure = rendered(run).find(".//failure")
    assert failure is not None and failure.text
    assert failure.get("message") == entry["reason"]
    for difference in entry["differences"]:
        assert difference["where"] in failure.text
        assert f"{difference['line']} │" in failure.text
    verdict = entry["verdicts"][0]
    for text in (
        verdict["explanation"],
        verdict["remedy"],
        entry["rerun"],
        f"{entry['file']}:{entry['line']}",
    ):
        assert text in failure.text


def test_what_could_not_run_is_an_error_with_its_reason() -> None:
    error = rendered(real_run()).find(".//error")
    assert error is not None
    assert "status must be a number from 200 to 599" in error.get("message", "")


@given(name=st.text(max_size=30), value=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_no_text_makes_it_invalid(name: str, value: str) -> None:
    root = rendered(made_run([made_entry(name, value=value, reason=value)]))
    failure = root.find(".//failure")
    assert failure is not None and failure.text and "tracks[0].outcome" in failure.text


def test_what_xml_cannot_carry_is_written_out() -> None:
    root = rendered(made_run([made_entry("a\x00b\x1b", value="\ud800")]))
    assert root.find(".//testcase[@name='a\\u0000b\\u001b']") is not None


def test_scenarios_of_one_name_are_told_apart() -> None:
    run = made_run([made_entry("Same", line=1), made_entry("Same", line=9), made_entry("Other", line=20)])
    names = [case.get("name") for case in rendered(run).iter("testcase")]
    assert names == ["Same (line 1)", "Same (line 9)", "Other"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("tests/shop/buy.scenario.yaml", "tests.shop.buy"),
        ("../other/v1.2/buy.scenario.yaml", "other.v1_2.buy"),
        ("/srv/it's/buy.yaml", "srv.it's.buy"),
        ("buy.scenario.yml", "buy"),
    ],
)
def test_the_class_name_follows_the_folders(file: str, name: str) -> None:
    assert junit.class_name(file) == name
    (case,) = rendered(made_run([made_entry("A", file=file)])).iter("testcase")
    assert case.get("classname") == name


def test_times_are_seconds_and_utc() -> None:
    (suite,) = rendered(made_run([made_entry("A"), made_entry("B", line=5)]))
    assert (suite.get("timestamp"), suite.get("time")) == ("2026-01-15T10:00:00", "0.024")


def test_what_still_waits_is_skipped() -> None:
    (suite,) = rendered(made_run([made_entry("A", status="waiting", lines=[], reason=None)]))
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("1", "1", "0")
    assert suite.find("testcase/skipped") is not None


def test_an_empty_run_is_valid() -> None:
    assert len(rendered(made_run([]))) == 0
