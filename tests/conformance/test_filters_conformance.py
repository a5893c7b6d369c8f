"""Filters' statements and changes through Segment's published engine and through ours: every answer must be the same."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from filter_cases import HOLDING, changes, comparison, condition, event, fields, heads, payload
from segment_code import SegmentCode

from optilocal.forwarder.fql.condition import Condition, written
from optilocal.forwarder.javascript.json import parse_json
from optilocal.forwarder.stages.transformers import (
    allow_properties,
    drop_properties,
    is_sampled,
    map_properties,
)

pytestmark = pytest.mark.node

SEED = int(os.environ.get("OPTILOCAL_CONFORMANCE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
WHOLE_STATEMENTS = 2000
HOLDS = 100
CHANGES = 500
# Lines are sent a few at a time: waiting for each answer would take longer than making it.
PORTION = 20


def compared(
    segment: SegmentCode, cases: list[tuple[dict[str, Any], Any]]
) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Each line with our answer and Segment's."""
    for start in range(0, len(cases), PORTION):
        portion = cases[start : start + PORTION]
        answers = segment.answers([json.dumps(line) for line, _ in portion])
        for (line, ours), answer in zip(portion, answers, strict=True):
            yield line, ours, json.loads(answer)


def statement_case(ir: Any, about: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A statement as text, read by our parser: what it makes goes to Segment's engine, and is evaluated by ours."""
    read = Condition(written(ir))
    return {"op": "match", "ir": read.ir, "event": about}, read.matches(parse_json(json.dumps(about)))


@pytest.mark.parametrize("operator", sorted(HOLDING))
def test_every_operator_and_function_holds_a_hundred_times_and_alike(
    operator: str, segment_filters: SegmentCode
) -> None:
    source = random.Random(f"{SEED}-{operator}")
    held = 0
    for _ in range(60):
        cases = []
        for _ in range(PORTION * 5):
            if operator in ("and", "or"):
                ir: Any = [operator, condition(source, 2), condition(source, 2)]
            else:
                ir = ["!", condition(source, 2)] if operator == "!" else comparison(source, operator)
            cases.append(statement_case(ir, event(source)))
        for line, ours, answer in compared(segment_filters, cases):
            assert answer == {"value": ours}, (SEED, written(line["ir"]), line["event"])
            held += ours
        if held >= HOLDS:
            return
    pytest.fail(f"{operator} held {held} times instead of {HOLDS}")


def test_whole_statements_match_alike(
    segment_filters: SegmentCode, capsys: pytest.CaptureFixture[str]
) -> None:
    source = random.Random(SEED)
    cases = [statement_case(condition(source), event(source)) for _ in range(WHOLE_STATEMENTS)]
    seen: Counter[str] = Counter()
    truths: Counter[bool] = Counter()
    for line, ours, answer in compared(segment_filters, cases):
        assert answer == {"value": ours}, (SEED, written(line["ir"]), line["event"])
        seen.update(heads(line["ir"]))
        truths[ours] += 1
    assert set(seen) == HOLDING
    assert min(seen[name] for name in HOLDING) >= HOLDS
    assert min(truths[True], truths[False]) >= HOLDS
    with capsys.disabled():
        print(f"\n@segment/tsub 2.0.1: {len(cases)} statements, OPTILOCAL_CONFORMANCE_SEED={SEED}")


def _drop(source: random.Random) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    chosen = fields(source)
    return {"type": "drop_properties", "config": {"drop": chosen}}, lambda given: drop_properties(
        given, chosen
    )


def _allow(source: random.Random) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    chosen = fields(source)
    return {"type": "allow_properties", "config": {"allow": chosen}}, lambda given: allow_properties(
        given, chosen
    )


def _map(source: random.Random) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    moves, values = changes(source)
    chosen = {path: {"move": old} for path, old in moves.items()}
    chosen |= {path: {"set": value} for path, value in values.items()}
    config = {"type": "map_properties", "config": {"map": chosen}}
    return config, lambda given: map_properties(given, moves, values)


@pytest.mark.parametrize("make", [_drop, _allow, _map], ids=["drop", "allow", "map"])
def test_changes_are_alike(
    make: Callable[[random.Random], tuple[dict[str, Any], Callable[[Any], Any]]], segment_filters: SegmentCode
) -> None:
    source = random.Random(SEED)
    cases, kept, changed = [], 0, 0
    for _ in range(CHANGES):
        given = payload(source)
        transformer, ours = make(source)
        before = json.dumps(given)
        made = ours(given)
        assert json.dumps(given) == before, "an event is never changed in place"
        kept += made is not None
        changed += made != given
        cases.append(({"op": "transform", "event": given, "transformers": [transformer]}, made))
    for line, made, answer in compared(segment_filters, cases):
        assert _ordered(answer) == _ordered({"value": made}), (SEED, line)
    assert min(kept, changed) >= HOLDS


def _fraction(value: Any) -> float:
    """Where a value's hash lies between 0 and 1."""
    text = json.dumps(value, separators=(",", ":")).encode()
    return int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[:8], "big") / 2**64


def test_samples_by_a_path_are_alike_where_the_engine_can_tell(segment_filters: SegmentCode) -> None:
    """tsub.cjs says for which values it cannot: those whose hash begins with a zero bit."""
    source = random.Random(SEED)
    cases = []
    while len(cases) < CHANGES:
        given, percent = payload(source), source.choice((0.0, 0.55, 0.6, 0.75, 0.9, 1.0))
        path = source.choice(("userId", "properties.revenue", "properties.deep", "event"))
        found: Any = given
        for part in path.split("."):
            found = found[part]
        if 0 < percent < 1 and _fraction(found) < 0.5:
            continue
        config = {"sample": {"percent": percent, "path": path}}
        line = {
            "op": "transform",
            "event": given,
            "transformers": [{"type": "sample_event", "config": config}],
        }
        cases.append((line, is_sampled(given, percent, path, source)))
    kept = Counter(ours for _, ours in cases)
    for line, ours, answer in compared(segment_filters, cases):
        assert (answer["value"] is not None) is ours, (SEED, line)
    assert min(kept[True], kept[False]) >= HOLDS


@pytest.mark.parametrize("percent", [0.05, 0.25, 0.5, 0.9])
def test_a_sample_by_a_path_has_the_size_that_is_asked_for(percent: float) -> None:
    users = [{"userId": f"user-{number}"} for number in range(5000)]
    kept = sum(is_sampled(user, percent, "userId", random.Random(1)) for user in users)
    assert abs(kept / len(users) - percent) < 0.02


def test_a_drop_leaves_nothing(segment_filters: SegmentCode) -> None:
    line = {"op": "transform", "event": payload(random.Random(SEED)), "transformers": [{"type": "drop"}]}
    assert json.loads(segment_filters.answers([json.dumps(line)])[0]) == {"value": None}


def _ordered(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
