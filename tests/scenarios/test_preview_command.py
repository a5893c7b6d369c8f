"""`optilocal preview` as its user types it: bare events, the options' datafile, settings and mapping, the reason of a skip."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from optilocal.scenarios.cli import main
from optilocal.scenarios.language.datafiles import SHOP

EVENT = {"type": "track", "event": "Order Completed", "userId": "u-1"}


def previewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *options: str
) -> tuple[int, list[dict[str, Any]]]:
    file = tmp_path / "lines.jsonl"
    file.write_text(text, encoding="utf-8")
    code = main(["preview", str(file), *options])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def batch(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(answer["requests"][-1]["json"])


def test_a_bare_event_is_completed_and_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = {**EVENT, "messageId": "m-7"}
    code, answers = previewed(
        tmp_path, capsys, f"{json.dumps(EVENT)}\n{json.dumps(named)}\n", "--datafile", str(SHOP)
    )
    assert code == 0
    assert [(answer["id"], answer["outcome"]) for answer in answers] == [(None, "sent"), ("m-7", "sent")]
    assert batch(answers[1])["account_id"] == "12001"
    assert batch(answers[1])["visitors"][0]["snapshots"][0]["events"][0]["uuid"] == "m-7"


def test_settings_bring_the_datafiles_address_and_mappings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"eventKey": "Product Added", "userId": {"@path": "$.userId"}, "uuid": {"@path": "$.messageId"},
              "timestamp": {"@path": "$.timestamp"}}  # fmt: skip
    settings = {
        "dataFileUrl": "https://cdn.optimizely.com/datafiles/own.json",
        "mappings": [
            {"name": "Pages", "trigger": 'type = "page"', "fields": fields},
            {"name": "Tracks", "trigger": 'type = "track"', "fields": fields},
            {"name": "Off", "trigger": 'type = "track"', "fields": fields, "enabled": False},
        ],
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    options = ("--datafile", str(SHOP), "--settings", str(tmp_path / "settings.json"))
    code, (answer,) = previewed(tmp_path, capsys, json.dumps(EVENT), *options)
    assert (code, answer["outcome"]) == (0, "sent")
    assert answer["requests"][0]["url"] == "https://cdn.optimizely.com/datafiles/own.json"
    assert batch(answer)["visitors"][0]["snapshots"][0]["events"][0]["key"] == "Product Added"
    assert sum(request["method"] == "POST" for request in answer["requests"]) == 1
    _, (skipped,) = previewed(tmp_path, capsys, '{"type": "group", "userId": "u"}', *options)
    assert skipped["outcome"] == "skipped" and "of type 'group'" in skipped["reason"]


def test_a_mapping_of_its_own_and_why_it_skips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"trigger": 'type = "track" && event = "A"', "fields": {"eventKey": "A"}}))
    code, (answer,) = previewed(tmp_path, capsys, json.dumps(EVENT), "--mapping", str(mapping))
    assert (code, answer["outcome"], answer["requests"]) == (0, "skipped", [])
    assert "cannot be parsed; write `and` instead of &&" in answer["reason"]


@pytest.mark.parametrize("nonsense", ["nonsense", "[1]", '{"op": "dance"}'])
def test_nonsense_ends_with_1_and_the_rest_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nonsense: str
) -> None:
    code, answers = previewed(tmp_path, capsys, f"{nonsense}\n{json.dumps(EVENT)}\n", "--datafile", str(SHOP))
    assert code == 1
    assert [answer["outcome"] for answer in answers] == ["error", "sent"]


@pytest.mark.parametrize("option", ["--datafile", "--settings", "--mapping"])
def test_a_file_that_cannot_be_used_is_one_line_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (tmp_path / "lines.jsonl").touch()
    assert main(["preview", str(tmp_path / "lines.jsonl"), option, str(tmp_path / "gone.json")]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1) and "gone.json" in told.err


def test_the_page_shows_what_is_really_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "preview.md").read_text(encoding="utf-8")
    found = re.search(r"\$ echo '(.*)' \| optilocal preview\n(.*)\n", page)
    assert found
    _, (answer,) = previewed(tmp_path, capsys, found[1])
    assert json.loads(found[2]) == answer
