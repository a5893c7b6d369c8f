"""The pytest plugin in a project of a user's own: a conftest of its own, strict settings, several processes."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from run_samples import CANNOT_RUN, DIFFERS, PASSES, ROWS

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

pytest_plugins = ["pytester"]

CONFTEST = """\
import pytest

@pytest.fixture
def visitor(optimizely):
    optimizely.activate("u-1", "checkout_test", "treatment")
    return "u-1"

def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.name)
"""
SETTINGS = (
    "[pytest]\naddopts = --strict-markers --strict-config -p no:cacheprovider\nfilterwarnings = error\n"
)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a conftest of its own, in which every warning is an error."""
    for name in ("OPTILOCAL_EMULATOR", "PYTEST_ADDOPTS", "GITHUB_ACTIONS", "CI"):
        monkeypatch.delenv(name, raising=False)
    # Other plugins of this environment are none of the user's, and slow; `-p optilocal` goes by the entry point's name.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "160")
    pytester.makeconftest(CONFTEST)
    pytester.path.joinpath("pytest.ini").write_text(SETTINGS, encoding="utf-8")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("--color=no", "-p", "optilocal", *arguments, timeout=60)


def write(project: pytest.Pytester, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = project.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_scenarios_are_tests(project: pytest.Pytester) -> None:
    write(
        project,
        {
            "shop/buy.scenario.yaml": f"{PASSES}---\n{DIFFERS}",
            "rows.scenario.yaml": f"{ROWS}---\n{CANNOT_RUN}",
        },
    )
    result = run(project, "-v", "-rA", "--junitxml=junit.xml", "--durations=2")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "shop/buy.scenario.yaml::A purchase is counted PASSED*",
            "rows.scenario.yaml::An order of any size [[]cents=1] PASSED*",
            "FAILED rows.scenario.yaml::An order of any size [[]cents=2] - results.checkout_test.*",
            "FAILED rows.scenario.yaml::The emulator refuses this datafile - the emulator refused*",
        ]
    )
    shown = result.stdout.str()
    assert "field     tracks[0].outcome\n  expected  counted\n  captured  user_not_activated\n" in shown
    assert (
        'remedy    Use one id for both sides: the SDK decided for "u-1", the event was sent for "U-1".'
        in shown
    )
    assert "again     optilocal run shop/buy.scenario.yaml:10" in shown
    assert "Traceback" not in shown and "scenarios/runner.py" not in shown
    failures = list(ElementTree.parse(project.path / "junit.xml").iter("failure"))
    assert len(failures) == 3
    assert {failure.get("message", "").split(":")[0] for failure in failures} == {
        "tracks[0].outcome", "results.checkout_test.control.Order Completed.revenue",
        "the emulator refused PUT http",
    }  # fmt: skip


def test_names_tags_and_options_choose(project: pytest.Pytester) -> None:
    other = PASSES.replace("A purchase is counted", "Skipped by no one").replace(
        "[smoke, revenue]", "[skip, slow-one]"
    )
    write(project, {"a.scenario.yaml": f"{PASSES}---\n{other}---\n{other}", "b.scenario.yaml": DIFFERS})
    listed = run(project, "--collect-only", "-q", "-k", "smoke or slow-one")
    assert [line for line in listed.outlines if "::" in line] == [
        "a.scenario.yaml::A purchase is counted",
        "a.scenario.yaml::Skipped by no one [line 10]",
        "a.scenario.yaml::Skipped by no one [line 19]",
    ]
    run(project, "-m", "revenue and not smoke").assert_outcomes(failed=1, deselected=3)
    result = run(project, "-x", "-k", "Another or Skipped")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    run(project, "a.scenario.yaml::Skipped by no one [line 10]").assert_outcomes(passed=1)


def test_mistakes_are_collection_errors_each_with_its_place(project: pytest.Pytester) -> None:
    wrong = PASSES.replace("outcome: counted", "outcome: counte").replace("activate:", "activat:")
    write(
        project,
        {
            "shop/a.scenario.yaml": f"{PASSES}---\n{wrong}",
            "b.scenario.yaml": "scenario: [",
            "c.scenario.yaml": "",
        },
    )
    result = run(project)
    result.assert_outcomes(errors=3)
    told = [line for line in result.outlines if re.match(r"[\w/]+\.scenario\.yaml:\d+", line)]
    assert told[0] == "b.scenario.yaml:1:11: the [ that opens here is never closed"
    assert told[1] == "c.scenario.yaml:1: there is no scenario in this file"
    assert told[2].startswith("shop/a.scenario.yaml:14:5: unknown step 'activat' (did you mean 'activate'?)")
    assert told[3].startswith(
        "shop/a.scenario.yaml:17:22: a track: outcome 'counte' is unknown (did you mean"
    )
    assert "    │     ^^^^^^^" in "".join(result.outlines)
    assert len(told) == 4 and "Traceback" not in result.stdout.str()


TESTS = """\
import json
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest

SHOP = json.loads(Path(__file__).with_name("shop.json").read_bytes())


def test_a_purchase_is_counted(visitor, optimizely, segment):
    message_id = segment.track(user_id=visitor, event="Order Completed", properties={"revenue": 4999})
    (verdict,) = optimizely.assert_counted(message_id=message_id)
    assert verdict["attributed_to"][0]["variation"] == "treatment"
    assert optimizely.assert_counted(user_id="u-1", event="Order Completed", event_key="Order Completed") == [verdict]
    order = optimizely.results()["checkout_test"]["treatment"]["Order Completed"]
    assert (order["unique"], order["revenue"]) == (1, 4999)
    with urllib.request.urlopen(optimizely.base_url + "/_emulator/health") as answer:
        assert json.load(answer)["status"] == "ok"


def test_why_it_is_not_counted(optimizely, segment):
    segment.track("u-1", "Order Completed")
    segment.track(anonymous_id="a-1", event="Order Completed", context={"traits": {"plan": "gold"}})
    segment.track("u-1", "order completed")
    assert len(optimizely.assert_not_counted()) == 3
    optimizely.assert_not_counted(because="user_not_activated", visitor_id="u-1", event="Order Completed")
    optimizely.assert_not_counted(because="unidentified_user", anonymous_id="a-1")
    (near,) = optimizely.assert_not_counted("unmatched_event_key", event_key="order completed")
    assert near["nearest"][0] == "Order Completed"


def test_every_test_has_a_world_of_its_own(optimizely, segment):
    assert optimizely.verdicts() == []
    assert optimizely.put_datafile(SHOP) == optimizely.datafile_url
    assert optimizely.results()["checkout_test"]["treatment"]["visitors"] == 0


def test_results_of_a_segment_and_of_dates(visitor, optimizely, segment):
    segment.track(visitor, "Order Completed", {"revenue": 100}, context={"traits": {"plan": "gold"}})
    segment.track(visitor, "Order Completed", {"revenue": 7})
    asked = {"gold": {"attribute": "plan", "value": "gold"}, "early": {"end_time": "2020-01-01T00:00:00Z"}, "all": {}}
    orders = {}
    for name, question in asked.items():
        arm = optimizely.results(**question)["checkout_test"]["treatment"]
        orders[name] = (arm["visitors"], arm["Order Completed"]["revenue"])
    assert orders == {"gold": (1, 100), "early": (0, 0), "all": (1, 107)}


def test_a_datafile_of_ones_own(optimizely, segment):
    segment.track("u-1", "Order Completed")
    url = optimizely.put_datafile({**SHOP, "sdkKey": "own", "events": [], "accountId": "77"})
    assert url.endswith("/datafiles/own.json")
    message_id = segment.track("u-1", "Order Completed")
    (verdict,) = optimizely.assert_not_counted("unmatched_event_key", message_id=message_id)
    assert verdict["delivery"]["requests"][0]["sent_to"] == url
    assert optimizely.put_datafile(json.dumps(SHOP)) == optimizely.put_datafile(Path(__file__).with_name("shop.json"))
    for wrong in ({"events": 1}, "{", '{"events": []}', "missing.json"):
        with pytest.raises(ValueError):
            optimizely.put_datafile(wrong)


def test_every_call_and_its_keywords(optimizely, segment):
    when = datetime(2026, 1, 15, 10, 0, 0)
    segment.configure(mappings=[{"name": "All", "trigger": 'type != "delete"', "fields": {"eventKey": "Order Completed",
        "userId": {"@path": "$.userId"}, "timestamp": {"@path": "$.timestamp"}, "uuid": {"@path": "$.messageId"}}}])
    shared = {"context": {"ip": "1.2.3.4"}, "timestamp": when, "integrations": {"All": True}}
    ids = [
        segment.track(user_id=7, event="e", properties={"a": 1}, anonymous_id="a", message_id="m-1", **shared),
        segment.identify(user_id="u", traits={"plan": "gold"}, anonymous_id="a", message_id="m-2", **shared),
        segment.page(user_id="u", category="c", name="n", properties={}, anonymous_id="a", message_id="m-3", **shared),
        segment.screen(user_id="u", category="c", name="n", properties={}, message_id="m-4", **shared),
        segment.group(user_id="u", group_id="g", traits={}, anonymous_id="a", message_id="m-5", **shared),
        segment.alias(previous_id="p", user_id="u", message_id="m-6", **shared),
    ]
    assert ids == [f"m-{n}" for n in range(1, 7)]
    events = [row["delivery"]["source_event"] for row in optimizely.wait_for(6)]
    assert [event["type"] for event in events] == ["track", "identify", "page", "screen", "group", "alias"]
    assert {event["timestamp"] for event in events} == {"2026-01-15T10:00:00+00:00"}
    assert (events[0]["userId"], events[4]["groupId"], events[5]["previousId"]) == ("7", "g", "p")
    with pytest.raises(TypeError, match="user_id or an anonymous_id"):
        segment.track(event="e")


def test_deletion(optimizely, segment):
    segment.configure(accessToken="pat-1")
    segment.delete("u-1")
    (verdict,) = optimizely.verdicts(kind="deletion")
    assert verdict["outcome"] is None and verdict["delivery"]["outcome"] == "deleted"
    optimizely.assert_not_counted("suppressed_user", message_id=segment.track("u-1", "Order Completed"))
    optimizely.assert_not_counted("suppressed_user")
    segment.delete("u-2", regulation="SUPPRESS_ONLY")
    assert len(optimizely.verdicts(kind="deletion")) == 1


def test_an_outage_takes_no_time(visitor, optimizely, segment):
    optimizely.control.add_faults([{"on": "events", "status": 503, "times": 2}])
    (verdict,) = optimizely.assert_counted(message_id=segment.track(visitor, "Order Completed"))
    assert len(verdict["delivery"]["attempts"]) == 3
    optimizely.control.add_faults([{"on": "events", "status": 503}])
    optimizely.assert_not_counted("delivery_failed", message_id=segment.track(visitor, "Order Completed"))


def test_what_is_asked_wrongly_is_told(optimizely):
    with pytest.raises(TypeError, match="no field 'visitor'.*did you mean 'visitor_id'"):
        optimizely.assert_counted(visitor="u-1")
    with pytest.raises(ValueError, match="did you mean 'user_not_activated'"):
        optimizely.assert_not_counted(because="not_activated")


def test_a_name_that_the_datafile_lacks_is_told_at_once(optimizely, segment):
    wrong = [
        (lambda: optimizely.activate("u-1", "checkout_test", "treatmnt"), "no variation of checkout_test 'treatmnt' .did you mean 'treatment'"),
        (lambda: optimizely.activate("u-1", "chekout_test"), "no experiment 'chekout_test' .did you mean 'checkout_test'"),
        (lambda: optimizely.decide("u-1", "chekout"), "no flag 'chekout' .did you mean 'checkout'"),
        (lambda: optimizely.assert_counted(event_key="Order Complted"), "no event 'Order Complted' .did you mean 'Order Completed'"),
        (lambda: optimizely.assert_counted(experiment="chekout_test"), "no experiment 'chekout_test'"),
        (lambda: optimizely.assert_not_counted("no_experiment", event_key="Order Complted"), "no event 'Order Complted'"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()
    assert optimizely.verdicts() == [] and optimizely.control.exchanges(surface="events") == []
    for path in (("chekout_test",), ("checkout_test", "treatmnt"), ("checkout_test", "treatment", "Order Complted")):
        found = optimizely.results()
        with pytest.raises(KeyError, match=f"{path[-1]}.*did you mean"):
            for name in path:
                found = found[name]


def test_arguments_are_those_of_segments_library(segment):
    with pytest.raises(TypeError, match="track has no argument 'propertys'.*did you mean 'properties'"):
        segment.track("u-1", "Order Completed", propertys={})
    with pytest.raises(TypeError, match="was given 'event' twice"):
        segment.track("u-1", "Order Completed", event="Signed Up")
    with pytest.raises(TypeError, match="at most 8 arguments"):
        segment.track(*range(9))
"""


def test_fixtures(project: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    shop = pytestconfig.rootpath / "scenarios/suite/datafiles/shop.json"
    write(project, {"tests/test_shop.py": TESTS, "tests/shop.json": shop.read_text(encoding="utf-8")})
    result = run(project)
    result.assert_outcomes(passed=TESTS.count("\ndef test_"))


FAILING = """\
def test_counted(optimizely, segment, visitor):
    segment.track("U-1", "Order Completed")
    optimizely.assert_counted(visitor_id="U-1")

def test_not_counted(optimizely, segment, visitor):
    segment.track(visitor, "Order Completed")
    optimizely.assert_not_counted(because="no_experiment")

def test_never_came(optimizely, segment, visitor):
    segment.track(visitor, "Order Completed")
    optimizely.assert_counted(event="Signed Up", timeout=0.1)

def test_too_few(optimizely, segment, visitor):
    segment.track(visitor, "Order Completed")
    optimizely.wait_for(2, timeout=0.1, outcome="counted")
"""


def test_a_failing_assertion_prints_the_verdict(project: pytest.Pytester) -> None:
    write(project, {"test_shop.py": FAILING})
    result = run(project, "-o", "console_output_style=classic")
    result.assert_outcomes(failed=4)
    shown = result.stdout.str()
    for text in (
        "AssertionError: expected every event with visitor_id='U-1' to be counted, but:",
        "To do: Use one id for both sides",
        "yes the event key is in the datafile",
        "no  the visitor was activated before",
        "AssertionError: expected every event not to be counted because of no_experiment, but:",
        "counted in checkout_test for variation treatment",
        "AssertionError: expected an event with event='Signed Up' to be counted, but none came within 0.1 s",
        "What else has come (1):",
        "counted: event 'Order Completed', visitor 'u-1'",
        "AssertionError: 1 of 2 verdicts with outcome='counted' within 0.1 s",
    ):
        assert text in shown
    assert "sandbox/optimizely.py:" not in shown, "the test's own line is where it failed"


def test_several_processes_each_have_a_sandbox(project: pytest.Pytester) -> None:
    tests = "\n".join(
        f"def test_{n}(optimizely, segment, record_property):\n"
        f"    record_property('url', optimizely.base_url)\n"
        f"    segment.track('u-1', 'Order Completed')\n"
        f"    assert len(optimizely.verdicts()) == 1\n"
        for n in range(6)
    )
    many = "---\n".join(PASSES.replace("counted\n", f"counted {n}\n", 1) for n in range(6))
    write(project, {"test_many.py": tests, "many.scenario.yaml": f"{many}---\n{DIFFERS}"})
    result = run(project, "-p", "xdist", "-n", "2", "--junitxml=junit.xml", "-rf")
    result.assert_outcomes(passed=12, failed=1)
    result.stdout.fnmatch_lines(["FAILED many.scenario.yaml::Another visitor* - tracks*"])
    assert "remedy    Use one id for both sides" in result.stdout.str()
    urls = {
        found.get("value", "") for found in ElementTree.parse(project.path / "junit.xml").iter("property")
    }
    assert len(urls) == 6, "a namespace each"


def test_a_running_emulator_can_be_used(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"buy.scenario.yaml": PASSES, "test_it.py": "def test_it(visitor, segment, optimizely):\n"
                    "    segment.track(visitor, 'Order Completed')\n    optimizely.assert_counted()\n"})  # fmt: skip
    with EmulatorServer(Settings(port=0)) as server:
        monkeypatch.setenv("OPTILOCAL_EMULATOR", server.base_url)
        run(project).assert_outcomes(passed=2)
    monkeypatch.setenv("OPTILOCAL_EMULATOR", server.base_url)
    gone = run(project, "buy.scenario.yaml")
    gone.assert_outcomes(failed=1)
    assert "no emulator answers at" in gone.stdout.str()


LOADED = """\
import sys

def test_it():
    heavy = {"optilocal", "flask", "yaml", "requests", "optimizely", "deepdiff", "rich"}
    loaded = {name for name in sys.modules if name.partition(".")[0] in heavy}
    plugin = "optilocal.scenarios.pytest_plugin.plugin"
    assert loaded == {plugin.rsplit(".", n)[0] for n in range(4)}
"""


def test_who_uses_nothing_of_it_pays_nothing(project: pytest.Pytester) -> None:
    write(project, {"test_it.py": LOADED})
    run(project).assert_outcomes(passed=1)


def test_it_is_found_without_being_named(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    write(project, {"pytest.ini": "[pytest]\n", "buy.scenario.yaml": PASSES})
    result = project.runpytest_subprocess("--collect-only", "-q", "-p", "no:cacheprovider", timeout=60)
    assert "buy.scenario.yaml::A purchase is counted" in result.outlines
