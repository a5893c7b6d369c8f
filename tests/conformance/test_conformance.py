"""The same lines through Segment's published code and through `optilocal preview`: every answer must be the same."""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from typing import Any

import pytest
from event_cases import events, lines
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from json_values import as_text
from liquid_cases import templates
from matching_cases import OPERATORS, Matching, matching
from segment_code import HERE, SegmentCode

from optilocal.forwarder.javascript.json import parse_json
from optilocal.forwarder.preview import run_line

pytestmark = pytest.mark.node

CASES = int(os.environ.get("OPTILOCAL_CONFORMANCE_CASES", "2000"))
SEED = int(os.environ.get("OPTILOCAL_CONFORMANCE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)

# Lines are sent a few at a time: waiting for each answer would take longer than making it.
PORTION = 4


def _templates_alone() -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(events, templates).map(
        lambda pair: {"op": "mapping", "event": pair[0], "mapping": {"value": {"@liquid": pair[1]}}}
    )


FAMILIES = {
    "whole events": (lines(["track"]), 0.35),
    "mappings": (lines(["mapping"]), 0.25),
    "templates": (_templates_alone(), 0.2),
    "triggers and other calls": (lines(["fql", "fql", "delete", "testAuthentication", "eventKeys"]), 0.2),
}


def _comparable(answer: dict[str, Any]) -> str:
    return json.dumps(
        {key: answer[key] for key in ("outcome", "requests", "value", "error") if key in answer}
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_answer_is_segments(
    family: str, segment_code: SegmentCode, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy, share = FAMILIES[family]
    package = json.loads((HERE / "package.json").read_text())["dependencies"]["@segment/action-destinations"]
    compared = 0

    @seed(SEED)
    @settings(
        max_examples=max(1, round(CASES * share / PORTION)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=PORTION, max_size=PORTION))
    def compare(portion: list[dict[str, Any]]) -> None:
        nonlocal compared
        texts = [as_text(line) for line in portion]
        compared += len(texts)
        for text, expected in zip(texts, segment_code.answers(texts), strict=True):
            assert _comparable(run_line(parse_json(text))) == _comparable(parse_json(expected)), text

    try:
        compare()
    finally:
        with capsys.disabled():
            print(f"\nSegment's {package}, {family}: {compared} cases, OPTILOCAL_CONFORMANCE_SEED={SEED}")


HELD_IN = 2000
HELD_AT_LEAST = 100


def test_every_operator_of_a_trigger_holds_often_and_as_at_segment(
    segment_code: SegmentCode, capsys: pytest.CaptureFixture[str]
) -> None:
    """Were an operator inverted or shifted by one, events would be sent that Segment keeps, and the other way round."""
    cases, held = 0, Counter[str]()

    @seed(SEED)
    @settings(
        max_examples=max(1, round(CASES / PORTION)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(matching(), min_size=PORTION, max_size=PORTION))
    def compare(portion: list[Matching]) -> None:
        nonlocal cases
        texts = [as_text(case.line) for case in portion]
        answers = segment_code.answers(texts)
        for case, text, expected in zip(portion, texts, answers, strict=True):
            answer = parse_json(expected)
            assert _comparable(run_line(parse_json(text))) == _comparable(answer), text
            cases += 1
            if answer["value"] is True:
                held.update(case.operators)

    try:
        compare()
    finally:
        with capsys.disabled():
            print(
                f"\nTriggers of their own events: {cases} cases, OPTILOCAL_CONFORMANCE_SEED={SEED}, {dict(held)}"
            )
    wanted = HELD_AT_LEAST * cases / HELD_IN
    assert {name: held[name] for name in OPERATORS if held[name] < wanted} == {}


def test_the_versions_are_pinned_exactly() -> None:
    package = json.loads((HERE / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["overrides"].values()]
    assert all(re.fullmatch(r"(npm:[\w-]+@)?\d+\.\d+\.\d+", version) for version in versions), versions
