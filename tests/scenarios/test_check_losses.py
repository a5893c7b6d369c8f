"""`optilocal check` on what Optimizely may drop or not read: experiments left out, nested properties, revenue elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
