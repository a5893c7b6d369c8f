"""`optilocal check` on what Optimizely may drop or not read: experiments left out, nested properties, revenue elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION
from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP


def _check(folder: Path, name: str, content: str, datafile: Path = Path(SHOP)) -> tuple[int, dict[str, Any]]:
    """Write the events file, run the command; its exit code, and its findings by code."""
    events, report = folder / name, folder / "report.json"
    events.write_text(content, encoding="utf-8")
    code = main(["check", "--datafile", str(datafile), "--events", str(events), "--json", str(report)])
    return code, {
        found["code"]: found for found in json.loads(report.read_text(encoding="utf-8"))["findings"]
    }


def _order(**properties: Any) -> str:
    head = {"type": "track", "event": "Order Completed", "userId": "u-1", "messageId": "m-1"}
    return json.dumps({**head, "timestamp": "2026-01-15T10:00:00.000Z", "properties": properties})


def test_an_experiment_that_the_datafile_leaves_out_is_not_missing_as_a_metric(tmp_path: Path) -> None:
    two_flags = Path(SHOP).with_name("two-flags.json")
    code, found = _check(tmp_path, "names.txt", "Lounge Visited\n", two_flags)
    assert code == 1 and "no_experiment" not in found
    assert '"9300000001009", which the datafile leaves out' in found["experiment_not_running"]["message"]
    assert "another environment" in found["experiment_not_running"]["remedy"]


def test_nested_properties_and_a_total_without_revenue_are_worth_knowing(tmp_path: Path) -> None:
    nested = {"products": [{"sku": "a"}], "address": {"city": "Bern"}, "total": 49.99, "coupon": None}
    code, found = _check(tmp_path, "recorded.jsonl", _order(**nested))
    assert code == 0
    assert '"products" and "address" are arrays or objects' in found["nested_tag"]["message"]
    assert '"total"' in found["revenue_under_other_name"]["message"]


def test_plain_properties_beside_revenue_are_not_suspected(tmp_path: Path) -> None:
    _, found = _check(tmp_path, "recorded.jsonl", _order(revenue=4999, total=49.99, sku="a"))
    assert "nested_tag" not in found and "revenue_under_other_name" not in found


def _plan(**properties: Any) -> str:
    schema = {"type": "object", "properties": {"properties": {"type": "object", "properties": properties}}}
    return json.dumps({"rules": [{"type": "TRACK", "key": "Order Completed", "jsonSchema": schema}]})


@pytest.mark.parametrize(
    ("schema", "nested"),
    [
        ({"type": "array", "items": {"type": "object"}}, True),
        ({"type": "object"}, True),
        ({"type": ["string", "array", "null"]}, True),
        ({"items": {"type": "string"}}, True),
        ({"properties": {"city": {}}}, True),
        ({"type": "string"}, False),
        ({"type": ["number", "null"]}, False),
        ({}, False),
        (True, False),
    ],
)
def test_a_plan_that_allows_nested_properties_is_told(tmp_path: Path, schema: Any, nested: bool) -> None:
    code, found = _check(tmp_path, "plan.json", _plan(products=schema, sku={"type": "string"}))
    assert code == 0 and ("nested_tag" in found) is nested
    if nested:
        assert 'allows arrays or objects as "products", and' in found["nested_tag"]["message"]
        assert found["nested_tag"]["places"][0]["line"] == 1


def test_the_property_that_optimizely_documents_as_an_object_is_none_of_them(tmp_path: Path) -> None:
    _, found = _check(tmp_path, "plan.json", _plan(**{"$opt_event_properties": {"type": "object"}}))
    assert "nested_tag" not in found


@pytest.mark.parametrize(
    ("tags", "nested"), [({"sku": {"@path": "$.properties.sku"}}, False), ({"@path": "$.properties"}, True)]
)
def test_only_planned_properties_that_the_mapping_takes_along_are_told(
    tmp_path: Path, tags: dict[str, Any], nested: bool
) -> None:
    settings, events, report = (tmp_path / name for name in ("settings.json", "plan.json", "report.json"))
    mapping = {
        "name": "Orders",
        "trigger": 'type = "track"',
        "fields": {**DEFAULT_SUBSCRIPTION.fields, "eventTags": tags},
    }
    settings.write_text(json.dumps({"mappings": [mapping]}), encoding="utf-8")
    events.write_text(_plan(products={"type": "array"}), encoding="utf-8")
    arguments = ["--datafile", str(SHOP), "--settings", str(settings), "--events", str(events)]
    assert main(["check", *arguments, "--json", str(report)]) == 0
    found = json.loads(report.read_text(encoding="utf-8"))["findings"]
    assert ("nested_tag" in [one["code"] for one in found]) is nested


def test_a_plan_of_the_older_export_is_read_alike(tmp_path: Path) -> None:
    rules = {"type": "object", "properties": {"products": {"type": ["array"]}}}
    older = {
        "rules": {"events": [{"name": "Order Completed", "rules": {"properties": {"properties": rules}}}]}
    }
    _, found = _check(tmp_path, "plan.json", json.dumps(older))
    assert '"products"' in found["nested_tag"]["message"]
