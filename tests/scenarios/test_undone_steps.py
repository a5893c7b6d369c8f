"""A `decide` or `activate` that did not do what it says is told first, in the SDK's words, by every report."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafile_source import read_datafile
from optilocal.scenarios.language.datafiles import SHOP

pytest_plugins = ["pytester"]
NOBODY = """\
scenario: A visitor of a paused experiment counts
datafile: shop.json
steps:
  - activate: {user: u-1, experiment: checkout_test}
  - track: {userId: u-1, event: Order Completed}
expect:
  tracks: [{outcome: counted}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def shop(**change: Any) -> dict[str, Any]:
    """The shop's datafile with fields of checkout_test changed; None takes one away."""
    datafile = deepcopy(read_datafile(SHOP))
    (experiment,) = [each for each in datafile["experiments"] if each["key"] == "checkout_test"]
    experiment.update(change)
    for name in [name for name, value in change.items() if value is None]:
        del experiment[name]
    return datafile


def run(text: str, datafile: dict[str, Any] | None = None, *options: str) -> tuple[int, dict[str, Any]]:
    Path("a.scenario.yaml").write_text(text, encoding="utf-8")
    Path("shop.json").write_text(json.dumps(datafile or shop()), encoding="utf-8")
    code = main(["run", "a.scenario.yaml", "--json", "run.json", *options])
    return code, json.loads(Path("run.json").read_text(encoding="utf-8"))["scenarios"][0]


def test_every_report_says_first_why_nobody_was_activated(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, entry = run(NOBODY, shop(status="Paused"), "--junit", "run.xml", "--github")
    assert (code, entry["status"]) == (1, "failed")
    (problem,) = entry["problems"]
    assert (problem["step"], problem["line"]) == (0, 4)
    assert problem["message"] == entry["steps"][0]["problem"]
    said = 'the SDK activates nobody in checkout_test: Experiment "checkout_test" is not running'
    assert problem["message"] == said
    assert entry["reason"].startswith(f"line 4: {problem['message']}; tracks[0].outcome: expected 'counted'")
    out = capsys.readouterr().out
    shown = out.split("✗ A visitor")[-1]
    assert shown.index("problem   the SDK activates nobody") < shown.index("field     tracks[0].outcome")
    (annotation,) = [line for line in out.splitlines() if line.startswith("::error")]
    assert annotation.split("::")[2].startswith(f"line 4: {problem['message']}%0Atracks[0].outcome")
    (failure,) = ElementTree.parse(here / "run.xml").iter("failure")
    assert failure.attrib["message"] == entry["reason"]
    text = str(failure.text)
    assert text.index(problem["message"]) < text.index("tracks[0].outcome")


def test_the_verdict_leads_to_the_step_and_does_not_blame_the_user(here: Path) -> None:
    text = NOBODY.replace("activate:", "decide:").replace("experiment: checkout_test", "flag: checkout")
    _, entry = run(text, shop(trafficAllocation=[]))
    (verdict,) = entry["verdicts"]
    assert verdict["outcome"] == "user_not_activated"
    said = 'the SDK decided on no variation of checkout: User "u-1" is in no variation'
    assert entry["problems"][0]["message"] == said
    assert verdict["remedy"] == f"See first why step 1 (line 4) did not do what it says: {said}."


def test_a_step_of_another_visitor_is_not_what_the_difference_comes_from(here: Path) -> None:
    text = NOBODY.replace("track: {userId: u-1", "track: {userId: u-2")
    _, entry = run(text, shop(status="Paused"))
    assert entry["steps"][0]["problem"] and entry["problems"] == []
    assert "See first" not in entry["verdicts"][0]["remedy"]
    counts = text.replace(
        "tracks: [{outcome: counted}]", "results: {checkout_test: {control: {visitors: 1}}}"
    )
    _, entry = run(counts, shop(status="Paused"))
    assert [problem["step"] for problem in entry["problems"]] == [0], "counts are of everybody"


def test_what_passes_has_nothing_to_say_first(here: Path) -> None:
    code, entry = run(
        NOBODY.replace("outcome: counted", "outcome: experiment_not_running"), shop(status="Paused")
    )
    assert (code, entry["problems"], entry["reason"]) == (0, [], None)
    assert "is not running" in entry["steps"][0]["problem"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audienceIds": None}, "experiments[0].audienceIds is missing"),
        ({"forcedVariations": None}, "experiments[0].forcedVariations is missing"),
        ({"layerId": 7}, "experiments[0].layerId is a number, not a string"),
    ],
)
def test_a_datafile_that_the_sdk_refuses_is_no_fault_of_the_user(
    here: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], reason: str
) -> None:
    code, entry = run(NOBODY, shop(**change))
    assert (code, entry["status"], entry["verdicts"]) == (2, "error", [])
    told = f"line 4, activate: {reason}: Optimizely's Python SDK refuses the datafile; SDKs that check less, as the JavaScript one does, take it"
    assert entry["reason"].startswith(told)
    assert reason in capsys.readouterr().out


def test_a_later_datafile_that_the_sdk_refuses_is_told_at_the_next_decision(here: Path) -> None:
    text = NOBODY.replace(
        "  - track",
        "  - datafile: refused.json\n  - activate: {user: u-2, experiment: checkout_test}\n  - track",
    )
    Path("refused.json").write_text(json.dumps(shop(audienceIds=None) | {"revision": "99"}), encoding="utf-8")
    code, entry = run(text)
    assert (code, entry["status"]) == (2, "error")
    assert entry["reason"].startswith("line 6, activate: experiments[0].audienceIds is missing")


def test_without_a_step_of_the_sdk_nobody_minds(here: Path) -> None:
    text = NOBODY.replace("  - activate: {user: u-1, experiment: checkout_test}\n", "")
    code, _ = run(text.replace("outcome: counted", "outcome: user_not_activated"), shop(audienceIds=None))
    assert code == 0


def test_a_text_that_a_scenario_serves_on_purpose_is_told_and_no_error(here: Path) -> None:
    raw = '  - datafile: {raw: \'{"version": "4"}\'}\n  - activate'
    code, entry = run(NOBODY.replace("  - activate", raw, 1))
    assert (code, entry["status"]) == (1, "failed")
    message = entry["problems"][0]["message"]
    assert message.startswith("revision is missing: Optimizely's Python SDK refuses the datafile")
    assert "take it (and 7 more of the kind). The SDK that decides here is Python's, " in message


def test_a_batch_that_is_not_taken_is_told(here: Path) -> None:
    fault = "  - fault: {on: events, status: 503, times: 1}\n  - activate"
    variation = "experiment: checkout_test, variation: treatment}"
    _, entry = run(NOBODY.replace("  - activate", fault).replace("experiment: checkout_test}", variation))
    (problem,) = entry["problems"]
    assert problem["message"].endswith("but its event batch was answered with 503 Service Unavailable")
    _, entry = run(
        NOBODY.replace("  - activate", fault.replace("status: 503", "break: reset")).replace(
            "experiment: checkout_test}", variation
        )
    )
    (problem,) = entry["problems"]
    assert "but its event batch did not reach http://127.0.0.1:" in problem["message"]


def test_the_fixture_raises_where_the_sdk_refuses_the_datafile(pytester: pytest.Pytester) -> None:
    Path(pytester.path, "shop.json").write_text(json.dumps(shop(audienceIds=None)), encoding="utf-8")
    pytester.makepyfile("""
        def test_a_purchase(optimizely, segment):
            optimizely.put_datafile("shop.json")
            optimizely.decide("u-1", "checkout")
    """)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *CannotRun: *audienceIds is missing: Optimizely's Python SDK refuses the datafile*"]
    )
