"""Whatever is given to `check` as tracked, it answers with a report or with one clear line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optilocal.emulator.datafile.datafile import Datafile
from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION
from optilocal.scenarios.check.judge import Destination
from optilocal.scenarios.check.preflight import preflight
from optilocal.scenarios.check.reading import read
from optilocal.scenarios.check.tracked import Reading
from optilocal.scenarios.language.datafile_source import read_datafile
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.language.problems import CannotRun, ScenarioError

NOW = 1_768_471_200_000
DATAFILE = Datafile.from_json(read_datafile(SHOP))
KEYS = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "properties", "context", "traits", "messageId", "timestamp", "revenue",
     "rules", "events", "key", "name", "jsonSchema", "data", "batch", "integrations", "source_event", "All"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["track", "Order Completed", "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


def _read(name: str, text: str) -> Reading | None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text, encoding="utf-8")
        try:
            return read(str(file))
        except (CannotRun, ScenarioError) as error:
            assert str(error)
            return None


def _report(reading: Reading) -> dict[str, Any]:
    destination = Destination(DATAFILE, [DEFAULT_SUBSCRIPTION], None, NOW)
    report = preflight(DATAFILE, [reading], destination, source="shop.json", now_ms=NOW)
    json.dumps(report)
    return report


@given(ANYTHING, st.sampled_from(["a.json", "a.jsonl", "a.csv", "a.txt"]))
def test_any_json_is_read_or_refused(value: Any, name: str) -> None:
    reading = _read(name, json.dumps(value))
    if reading is not None:
        report = _report(reading)
        assert report["ok"] == (report["counts"]["never_counts"] == 0)
        assert all(
            finding["message"] and finding["remedy"] and finding["count"] for finding in report["findings"]
        )


@given(st.lists(st.dictionaries(KEYS, ANYTHING, max_size=6), min_size=1, max_size=5))
def test_any_recorded_event_is_accounted_for(events: list[dict[str, Any]]) -> None:
    lines = [{**event, "type": "track"} for event in events]
    reading = _read("a.jsonl", "\n".join(json.dumps(line) for line in lines))
    assert reading is not None
    report = _report(reading)
    seen = sum(event["seen"] for event in report["events"]) + sum(report["passed_over"].values())
    assert seen == len(events)
    lost = sum(event["seen"] - event["counting"] for event in report["events"])
    never = sum(finding["count"] for finding in report["findings"] if finding["severity"] == "never_counts")
    assert never == lost


@given(
    st.text(max_size=200), st.sampled_from(["a.json", "a.jsonl", "a.csv", "a.txt", "a.js", "a.py", "a.rb"])
)
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    reading = _read(name, text.encode("utf-8", "replace").decode())
    if reading is not None:
        _report(reading)
