"""Tracking plans, lists, tables and batches: every shape that `check` reads, through the command's own reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.check.reading import read
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

_NEVER = "0001-01-01T00:00:00.000Z"


def _schema(properties: dict[str, Any], context: dict[str, Any] | None = None) -> dict[str, Any]:
    inner = {
        "properties": {"type": "object", "properties": properties},
        "context": context or {},
        "traits": {},
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": inner}


def _rule(name: str | None, schema: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    rule = {"type": "TRACK", "key": name, "jsonSchema": schema or {}, "version": 1, "deprecatedAt": _NEVER}
    return {**rule, **fields}


def _names(file: Path) -> list[tuple[str, int]]:
    return [(tracked.name, tracked.place.line) for tracked in read(str(file)).tracked]


def _write(folder: Path, value: Any, name: str = "plan.json") -> Path:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value, indent=2), encoding="utf-8")
    return file


RULES = [
    _rule("Order Completed"),
    _rule(None, type="COMMON"),
    _rule("Old Event", deprecatedAt="2024-03-01T00:00:00.000Z"),
    _rule('Terrible "name"\\ é'),
]


@pytest.mark.parametrize(
    "plan",
    [
        {"id": "tp_1", "name": "Shop", "rules": RULES},
        {"data": {"rules": RULES, "pagination": {"current": "MA=="}}},
        {"data": {"trackingPlan": {"id": "tp_1", "rules": RULES}}},
        RULES,
    ],
    ids=["saved", "api answer", "api plan", "bare rules"],
)
def test_the_public_apis_plan_in_all_its_wrappings(tmp_path: Path, plan: Any) -> None:
    file = _write(tmp_path, plan)
    reading = read(str(file))
    assert reading.origin == "tracking plan"
    lines = file.read_text(encoding="utf-8").splitlines()
    for tracked in reading.tracked:
        assert json.dumps(tracked.name) in lines[tracked.place.line - 1]
    assert [tracked.name for tracked in reading.tracked] == ["Order Completed", 'Terrible "name"\\ é']
    assert reading.passed_over == {"common": 1, "deprecated": 1}


@pytest.mark.parametrize(
    "wrap", [lambda events: {"rules": {"events": events}}, lambda events: {"events": events}]
)
def test_the_older_plan(tmp_path: Path, wrap: Any) -> None:
    events = [
        {"name": "Order Completed", "description": "", "rules": _schema({}), "version": 1},
        {"name": "Signed Up", "rules": _schema({}), "version": 1},
    ]
    plan = {"name": "workspaces/shop/tracking-plans/rs_1", "display_name": "Shop", **wrap(events)}
    reading = read(str(_write(tmp_path, plan)))
    assert (reading.origin, [tracked.name for tracked in reading.tracked]) == (
        "tracking plan",
        ["Order Completed", "Signed Up"],
    )


@pytest.mark.parametrize(
    ("revenue", "code", "exit_code"),
    [
        ({"type": "integer"}, None, 0),
        ({"type": ["integer", "null"]}, None, 0),
        ({"type": "boolean"}, None, 0),
        ({"type": "number"}, "revenue_may_be_refused", 0),
        ({"type": ["string", "null"]}, "revenue_may_be_refused", 0),
        ({"type": "object"}, "invalid_payload", 1),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["whole call", "properties only"])
def test_the_type_a_plan_gives_revenue(
    tmp_path: Path, revenue: dict[str, Any], code: str | None, exit_code: int, whole: bool
) -> None:
    schema = (
        _schema({"revenue": revenue}) if whole else {"type": "object", "properties": {"revenue": revenue}}
    )
    plan = _write(tmp_path, {"rules": [_rule("Order Completed", schema)]})
    report = tmp_path / "report.json"
    given = ["check", "--datafile", str(SHOP), "--events", str(plan), "--json", str(report)]
    assert main(given) == exit_code
    found = [
        one
        for one in json.loads(report.read_text(encoding="utf-8"))["findings"]
        if one["event"] == "Order Completed"
    ]
    assert [one["code"] for one in found] == ([code] if code else [])
    assert all("Revenue must be an integer" in one["message"] for one in found)


def test_the_traits_a_plan_gives_a_track_call(tmp_path: Path) -> None:
    traits = {"plan": {"type": "string"}, "shoe_size": {"type": "number"}, "device": {"type": "object"}}
    context = {"type": "object", "properties": {"traits": {"type": "object", "properties": traits}}}
    schema = _schema({}, context)
    schema["properties"]["traits"] = {"type": "object", "properties": {"country": {"type": "string"}}}
    identify = {"properties": {"traits": {"properties": {"country": {}, "plan": {}}}}}
    plan = {"rules": [_rule("Order Completed", schema), _rule(None, identify, type="IDENTIFY")]}
    report = tmp_path / "report.json"
    given = ["check", "--datafile", str(SHOP), "--events", str(_write(tmp_path, plan)), "--json", str(report)]
    assert main(given) == 0
    found = {
        one["code"]: one["message"] for one in json.loads(report.read_text(encoding="utf-8"))["findings"]
    }
    assert '"shoe_size"' in found["attribute_not_in_datafile"]
    assert '"device" is an object' in found["non_scalar_trait"]
    assert '"country"' in found["traits_ignored"]
    assert '"country" is set by identify only' in found["identify_traits_unused"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "Event Name,Owner\nOrder Completed,shop\n\n,continued\nSigned Up,web\n",
         [("Order Completed", 2), ("Signed Up", 5)]),
        ("a.csv", 'id;event;type\n1;"Order; Completed";track\n2;Home;page\n', [("Order; Completed", 2)]),
        ("a.tsv", "key\tx\nOrder Completed\t1\n", [("Order Completed", 2)]),
        ("a.csv", "Order Completed\nSigned Up\n", [("Order Completed", 1), ("Signed Up", 2)]),
        ("a.csv", "\ufeffname\r\nOrder Completed\r\n", [("Order Completed", 2)]),
        ("a.txt", "Order Completed\r\n\r\n# no\r\nSigned Up \r\n", [("Order Completed", 1), ("Signed Up ", 4)]),
        ("a", "Order Completed", [("Order Completed", 1)]),
        ("a.txt", "[Beta] Order Completed\n{x}\n", [("[Beta] Order Completed", 1), ("{x}", 2)]),
        ("a.json", '{"events": [{"name": "Order Completed", "id": 1},\n {"name": "Signed Up"}]}',
         [("Order Completed", 1), ("Signed Up", 2)]),
        ("a.json", '{"events": [{"name": "Order Completed", "id": 1},\n {"name": "Signed Up"}]}',
         [("Order Completed", 1), ("Signed Up", 2)]),
        ("a.json", '[\n "Order Completed",\n "Sign\\u00e9d"\n]', [("Order Completed", 2), ("Signéd", 3)]),
    ],
)  # fmt: skip
def test_names_in_lists_and_tables(
    tmp_path: Path, name: str, text: str, expected: list[tuple[str, int]]
) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode())
    assert _names(file) == expected


_EVENT = {"type": "track", "event": "Order Completed", "userId": "u-1"}


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.json", json.dumps([_EVENT, _EVENT], indent=1), [2, 7]),
        ("a.json", json.dumps({"batch": [_EVENT], "sentAt": "x"}), [1]),
        ("a.json", json.dumps(_EVENT), [1]),
        ("a.json", json.dumps(_EVENT) + "\n" + json.dumps(_EVENT), [1, 2]),
        ("a.log", json.dumps(_EVENT) + "\n\n" + json.dumps(_EVENT) + "\n", [1, 3]),
        ("a.ndjson", json.dumps({"id": 1, "event": _EVENT}), [1]),
        ("a.jsonl", json.dumps({"source_event": _EVENT, "outcome": "sent"}), [1]),
        ("a.jsonl", json.dumps({"event": "Order Completed", "anonymousId": "a"}), [1]),
        (
            "a.json",
            json.dumps({"verdicts": [{"delivery": {"source_event": _EVENT}, "outcome": "counted"}]}),
            [1],
        ),
    ],
)
def test_recorded_events_in_all_their_wrappings(
    tmp_path: Path, name: str, text: str, lines: list[int]
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    reading = read(str(file))
    assert reading.origin == "recorded events"
    assert _names(file) == [("Order Completed", line) for line in lines]
    assert all(tracked.event["type"] == "track" for tracked in reading.tracked)
