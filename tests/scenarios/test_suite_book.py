"""The shipped suite is a book: every outcome has its scenarios, every scenario its lesson, and the index names them all."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from optilocal.scenarios.language.document import EXPECTATIONS
from optilocal.scenarios.language.loader import SUFFIX, find_files, load
from optilocal.scenarios.language.scenario import Scenario
from optilocal.scenarios.language.steps import STEPS
from optilocal.scenarios.suite_index import PAGE as INDEX
from optilocal.scenarios.suite_index import SUITE, contents, title, with_index

# Contract of verdicts, top to bottom.
OUTCOMES = (
    "suppressed_user", "duplicate", "blocked_by_schema", "consent_refused", "filtered", "not_subscribed",
    "invalid_payload", "datafile_unavailable", "project_deactivated", "unmatched_event_key", "delivery_failed",
    "no_experiment", "experiment_not_running", "unidentified_user", "user_not_activated", "activated_too_late",
    "excluded", "counted",
)  # fmt: skip


@pytest.fixture(scope="module")
def suite() -> list[Scenario]:
    return load([SUITE])


def expected_outcomes(scenario: Scenario) -> list[str]:
    return [track["outcome"] for track in scenario.expect.get("tracks", []) if "outcome" in track]


def test_every_outcome_is_taught(suite: list[Scenario]) -> None:
    taught = Counter(outcome for scenario in suite for outcome in set(expected_outcomes(scenario)))
    assert set(OUTCOMES) <= set(taught)
    for asked_for in ("unmatched_event_key", "unidentified_user", "user_not_activated"):
        assert taught[asked_for] >= 5


def test_every_step_and_every_expectation_is_shown(suite: list[Scenario]) -> None:
    assert {step.kind for scenario in suite for step in scenario.steps} == set(STEPS)
    assert {part for scenario in suite for part in scenario.expect} == set(EXPECTATIONS)


def test_every_scenario_has_a_lesson_of_its_own(suite: list[Scenario]) -> None:
    assert len(suite) >= 80
    documents = {(scenario.file, scenario.document.first_line): scenario for scenario in suite}.values()
    for lesson in ([title(scenario) for scenario in documents], [scenario.teaches for scenario in documents]):
        assert [text for text, times in Counter(lesson).items() if times > 1 or not text] == []


def says_something(expected: Any) -> bool:
    return (
        any(expected.get(part) for part in ("tracks", "conversions", "results"))
        or "subject_access_requests" in expected
    )


def test_every_scenario_says_what_becomes_of_its_events(suite: list[Scenario]) -> None:
    assert [scenario.id for scenario in suite if not says_something(scenario.expect)] == []
    assert [
        scenario.id for scenario in suite if len(expected_outcomes(scenario)) != len(scenario.tracks)
    ] == []


def test_the_table_of_contents_names_every_file() -> None:
    named = [f"{chapter['folder']}/{name}{SUFFIX}" for chapter in contents() for name in chapter["files"]]
    assert sorted(named) == sorted(file.relative_to(SUITE).as_posix() for file in find_files([SUITE]))


def test_the_index_is_the_one_the_scenarios_make(suite: list[Scenario]) -> None:
    page = INDEX.read_text(encoding="utf-8")
    assert page == with_index(page), "make it anew: python -m optilocal.scenarios.suite_index"
    assert [scenario.name for scenario in suite if title(scenario) not in page] == []
