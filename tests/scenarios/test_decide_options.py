"""`decide` with the SDK's own options and with ODP segments given by hand; a name that the SDK does not have is a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from optimizely.decision.optimizely_decide_option import OptimizelyDecideOption

from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.problems import ScenarioError
from optilocal.scenarios.language.steps import DECIDE_OPTIONS

pytest_plugins = ["pytester"]


def mistakes(tmp_path: Path, step: str) -> list[str]:
    file = tmp_path / "a.scenario.yaml"
    text = f"scenario: a\nsteps:\n  - {step}\n  - track: {{userId: u-1, event: Order Completed}}\nexpect: {{tracks: []}}\n"
    file.write_text(text, encoding="utf-8")
    try:
        load([file])
    except ScenarioError as error:
        return [problem.message for problem in error.problems]
    return []


def test_the_options_are_those_of_the_sdk() -> None:
    names = {value for name, value in vars(OptimizelyDecideOption).items() if name.isupper()}
    assert set(DECIDE_OPTIONS) == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("options: [DISABLE_DECISION_EVENTS]", "option 'DISABLE_DECISION_EVENTS' is unknown (did you mean 'DISABLE_DECISION_EVENT'?)"),
        ("options: [disable_decision_event]", "(did you mean 'DISABLE_DECISION_EVENT'?)"),
        ("options: DISABLE_DECISION_EVENT", "decide: options must be a list, not a text"),
        ("options: [1]", "an option must be a text, not a number"),
        ("segments: gold", "decide: segments must be a list, not a text"),
        ("segments: [gold, 7]", "a segment must be a text, not a number"),
        ("segment: [gold]", "decide: unknown key 'segment' (did you mean 'segments'?)"),
    ],
)  # fmt: skip
def test_what_the_sdk_does_not_take_is_a_mistake(tmp_path: Path, given: str, message: str) -> None:
    (found,) = mistakes(tmp_path, f"decide: {{user: u-1, flag: checkout, {given}}}")
    assert message in found


def test_every_option_is_taken(tmp_path: Path) -> None:
    given = f"options: [{', '.join(DECIDE_OPTIONS)}], segments: []"
    assert mistakes(tmp_path, f"decide: {{user: u-1, flag: checkout, {given}}}") == []
    (found,) = mistakes(tmp_path, "activate: {user: u-1, experiment: checkout_test, options: []}")
    assert "activate: unknown key 'options'" in found


def test_the_fixture_takes_both(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import copy, json
        from optilocal.scenarios.language.datafiles import SHOP

        def test_options(optimizely, segment):
            assert "sent nothing" in optimizely.decide("u-1", "checkout", options=["DISABLE_DECISION_EVENT"])
            segment.track("u-1", "Order Completed")
            optimizely.assert_not_counted(because="user_not_activated")

        def test_segments(optimizely, segment):
            shop = json.loads(SHOP.read_text(encoding="utf-8"))
            qualified = {"match": "qualified", "name": "odp.audiences", "type": "third_party_dimension", "value": "gold"}
            shop["typedAudiences"][0]["conditions"] = ["and", ["or", ["or", qualified]]]
            (search,) = [each for each in shop["experiments"] if each["key"] == "search_ranking_test"]
            search["audienceIds"] = [shop["typedAudiences"][0]["id"]]
            search["audienceConditions"] = ["or", *search["audienceIds"]]
            optimizely.put_datafile(shop)
            optimizely.decide("u-1", "search", segments=["gold"])
            optimizely.decide("u-2", "search", segments=["silver"])
            optimizely.decide("u-3", "search")
            for user in ("u-1", "u-2", "u-3"):
                segment.track(user, "Products Searched")
            optimizely.assert_counted(visitor_id="u-1")
            optimizely.assert_not_counted(because="user_not_activated", visitor_id="u-2")
            optimizely.assert_not_counted(because="user_not_activated", visitor_id="u-3")
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
