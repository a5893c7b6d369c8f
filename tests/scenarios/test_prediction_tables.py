"""`predictions` of a scenario and of the fixture: held against the datafile, and what the SDK is then told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from optilocal.scenarios.language.datafiles import SUITE
from optilocal.scenarios.language.loader import load
from optilocal.scenarios.language.problems import ScenarioError

pytest_plugins = ["pytester"]
TEXT = """\
scenario: a
datafile: bandit.json
predictions: {}
steps:
  - decide: {{user: u-1, flag: hero}}
  - track: {{userId: u-1, event: Trip Booked}}
expect: {{tracks: []}}
"""


def mistakes(folder: Path, predictions: str) -> list[str]:
    shutil.copy(SUITE / "datafiles" / "bandit.json", folder)
    (folder / "a.scenario.yaml").write_text(TEXT.format(predictions), encoding="utf-8")
    try:
        load([folder])
    except ScenarioError as error:
        return [f"{problem.line}: {problem.message}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("sea", "3: predictions must be a mapping of experiment: variation, not a text"),
        ("{hero: sea}", '3: predictions: there is no contextual bandit "hero": the datafile\'s contextual bandits are "hero_bandit"'),
        ("{hero_bandit: see}", '3: predictions: row 0: "hero_bandit" has no variation \'see\' (did you mean "sea"?)'),
        ("{hero_bandit: [{when: {devise: 1}, variation: sea}]}", "(did you mean \"device\"?)"),
        ("{hero_bandit: !any}", "3: predictions: !any is for expectations"),
        ("{hero_bandit: 7}", "3: predictions: predictions are a variation"),
    ],
)  # fmt: skip
def test_what_the_datafile_does_not_have_is_a_mistake(tmp_path: Path, given: str, told: str) -> None:
    assert any(told in mistake for mistake in mistakes(tmp_path, given)), mistakes(tmp_path, given)


def test_a_rule_may_be_named_by_id_and_a_table_may_have_rows(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "{hero_bandit: sea}") == []
    assert (
        mistakes(tmp_path, '{"9300000002001": [{when: {member: true}, variation: sea}, {variation: hills}]}')
        == []
    )


def test_the_fixture_sets_a_table(pytester: pytest.Pytester) -> None:
    shutil.copy(SUITE / "datafiles" / "bandit.json", pytester.path)
    pytester.makepyfile("""
        import pytest
        from optilocal.scenarios.language.problems import CannotRun

        def test_a_booking(optimizely, segment):
            optimizely.put_datafile("bandit.json")
            optimizely.put_predictions("hero_bandit", [{"when": {"device": "phone"}, "variation": "sea"}, {"variation": "city"}])
            assert "decided sea" in optimizely.decide("ada", "hero", {"device": "phone"})
            assert "decided city" in optimizely.decide("grace", "hero", {"device": "desktop"})
            optimizely.put_predictions("hero_bandit", "hills")
            assert "decided sea" in optimizely.decide("ada", "hero", {"device": "phone"}), "the SDK keeps a prediction"
            assert "decided hills" in optimizely.decide("ada", "hero", {"device": "phone"}, options=["IGNORE_CMAB_CACHE"])
            segment.track("ada", "Trip Booked")
            (verdict,) = optimizely.assert_counted(visitor_id="ada")
            assert [each["variation"] for each in verdict["attributed_to"]] == ["sea"]

        def test_no_bandit(optimizely):
            with pytest.raises(CannotRun, match="is not a contextual bandit"):
                optimizely.put_predictions("checkout_test", "treatment")
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
