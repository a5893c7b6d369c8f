"""`preview`: one JSON line in, one out, nothing leaves the process."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from optilocal.forwarder.destination.destination import DEFAULT_SUBSCRIPTION, Subscription
from optilocal.forwarder.preview import Workspace, main, run_line
from optilocal.forwarder.stages.platform import read_platform

URL = "https://cdn.optimizely.com/datafiles/preview.json"
EVENTS_URL = "https://logx.optimizely.com/v1/events"
EVENT = {"type": "track", "event": "A", "userId": "u", "messageId": "m", "timestamp": "2024-01-02T00:00:00Z"}
DATAFILE = {"accountId": "1", "events": [{"key": "A", "id": "e"}]}


def _lines(*lines: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    code = main(io.StringIO("\n".join(lines)), out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    unreadable = [answer for answer in answers if answer.get("error", {}).get("name") == "SyntaxError"]
    assert code == (1 if unreadable else 0)
    return answers


def test_a_sent_event_shows_every_request() -> None:
    (answer,) = _lines(json.dumps({"id": 7, "event": EVENT, "datafile": DATAFILE}))
    assert answer["id"] == 7
    assert answer["outcome"] == "sent"
    assert answer["requests"][0] == {"method": "GET", "url": URL}
    assert (answer["requests"][1]["method"], answer["requests"][1]["url"]) == ("POST", EVENTS_URL)
    assert answer["requests"][1]["json"]["visitors"][0]["visitor_id"] == "u"
    assert "error" not in answer
    assert "value" not in answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, {"name": "PayloadValidationError", "message": "Event with name A is not defined", "status": 400, "code": "PAYLOAD_VALIDATION_FAILED"}),
        ({"datafile": "// off"}, {"name": "IntegrationError", "message": "// off", "status": 400, "code": "PROJECT_DEACTIVATED"}),
        ({"datafile": DATAFILE, "datafile_status": 404}, {"name": "HTTPError", "message": "Not Found", "status": 404}),
        ({"datafile": DATAFILE, "datafile_status": 599}, {"name": "HTTPError", "message": "599", "status": 599}),
        ({"datafile": DATAFILE, "datafile_content_type": "text/plain"}, {"name": "PayloadValidationError", "message": "Event with name A is not defined", "status": 400, "code": "PAYLOAD_VALIDATION_FAILED"}),
        ({"datafile": DATAFILE, "events_status": 413}, {"name": "HTTPError", "message": "Payload Too Large", "status": 413}),
        ({"datafile": None}, {"name": "TypeError", "message": "Cannot read properties of null (reading 'events')"}),
    ],
)  # fmt: skip
def test_answers_are_steered_by_the_line(changes: dict[str, Any], error: dict[str, Any]) -> None:
    answer = run_line({"event": EVENT, **changes})
    assert answer["outcome"] == "error"
    assert answer["error"] == error


@pytest.mark.parametrize("status", [204, 304])
def test_a_datafile_answered_with_204_or_304_has_no_body(status: int) -> None:
    known = {"events": [{"key": "A", "id": "1"}], "attributes": []}
    assert run_line({"event": EVENT, "datafile": known, "datafile_status": 203})["outcome"] == "sent"
    answer = run_line({"event": EVENT, "datafile": known, "datafile_status": status})
    assert answer["outcome"] == "error"
    assert len(answer["requests"]) == 1
    keys = run_line({"op": "eventKeys", "datafile": known, "datafile_status": status})
    assert keys["value"]["choices"] == []


@pytest.mark.parametrize("op", ["track", "testAuthentication", "eventKeys"])
def test_a_urls_fragment_is_no_part_of_a_request(op: str) -> None:
    configured = {"accountId": "12001", "dataFileUrl": "https://files.example.org/a.json?x=1#dev"}
    answer = run_line({"op": op, "event": EVENT, "settings": configured})
    assert answer["requests"][0]["url"] == "https://files.example.org/a.json?x=1"


def test_half_a_pair_of_surrogates_does_not_travel_in_a_text() -> None:
    (answer,) = _lines(json.dumps({"event": EVENT, "datafile": "\ud83d // 😀"}))
    assert answer["error"]["message"] == "\ufffd // 😀"


def test_whole_numbers_are_written_in_full() -> None:
    out = io.StringIO()
    main(
        io.StringIO(
            '{"op":"mapping","event":{"a":[1e20,9007199254740994,1e21,1.0]},"mapping":{"@path":"a"}}'
        ),
        out,
    )
    assert '"value":[100000000000000000000,9007199254740994,1e+21,1]' in out.getvalue()


def test_the_operations() -> None:
    answers = _lines(
        '{"op":"fql","event":{"type":"track"},"subscription":"type = \\"track\\""}',
        '{"op":"mapping","event":{"a":1.0},"mapping":{"x":{"@path":"a"},"y":{"@path":"b"}}}',
        '{"op":"mapping","event":{},"mapping":{"@path":"b"}}',
        '{"op":"delete","settings":{"accountId":"1","dataFileUrl":"https://a.b/c","accessToken":"t"},"events_status":201}',
        '{"op":"testAuthentication","datafile_status":403}',
        '{"op":"eventKeys","datafile":{"events":[{"key":"A"}]}}',
        '{"event":{"type":"page"}}',
    )
    assert [answer["outcome"] for answer in answers] == ["ok", "ok", "ok", "sent", "error", "sent", "skipped"]
    assert answers[0]["value"] is True
    assert answers[1]["value"] == {"x": 1}
    assert "value" not in answers[2]
    assert answers[3]["requests"][0]["json"]["identifier"] == "1"
    assert answers[4]["error"] == {"name": "Error", "message": "Credentials are invalid: 403 Forbidden"}
    assert answers[5]["value"] == {"choices": [{"label": "A", "value": "A"}]}
    assert all(answer["requests"] == [] for answer in (answers[0], answers[1], answers[6]))


@pytest.mark.parametrize("line", ["{oops", "[1]", "5", '"x"', "NaN", '{"op":"nope"}', '{"op":5}'])
def test_an_unreadable_line_is_an_answer_and_the_run_goes_on(line: str) -> None:
    first, second = _lines(line, '{"op":"fql","id":2}')
    assert first["id"] is None
    assert first["outcome"] == "error"
    assert first["error"]["name"] == "SyntaxError"
    assert second == {"id": 2, "outcome": "ok", "requests": [], "value": False}


def test_a_byte_order_mark_is_passed_over_and_a_line_that_is_no_utf_8_is_unreadable() -> None:
    text = b'\xef\xbb\xbf{"id":1,"op":"fql"}\r\n{"id":2,"op":"fql","x":"\xff"}\n{"id":3,"op":"fql"}\n'
    marked, foreign, last = _lines(*text.decode(errors="surrogateescape").split("\n")[:3])
    assert (marked["id"], last["id"]) == (1, 3)
    assert (foreign["id"], foreign["error"]["message"]) == (None, "the line is not UTF-8")


def test_an_answer_is_json_whatever_the_id_is() -> None:
    assert [line["id"] for line in _lines('{"id":1e999}', '{"id":[1e999],"op":"?"}')] == [None, [None]]


def test_blank_lines_are_passed_over() -> None:
    assert _lines("", "  ", '{"op":"fql"}') == [{"id": None, "outcome": "ok", "requests": [], "value": False}]


def test_odd_fields_of_a_line_are_no_crash() -> None:
    for key in (
        "event",
        "settings",
        "mapping",
        "subscription",
        "datafile",
        "datafile_content_type",
        "datafile_status",
        "events_status",
    ):
        for value in (None, 5, True, "x", [], {}):
            answer = run_line({"event": EVENT, "datafile": DATAFILE, key: value})
            assert answer["outcome"] in ("sent", "skipped", "error")


def test_a_mapping_nested_too_deeply_is_an_error() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    answer = run_line({"op": "mapping", "event": {}, "mapping": deep})
    assert answer["error"] == {"name": "RangeError", "message": "Maximum call stack size exceeded"}


DROP = {"title": "No A", "if": "event = 'A'", "actions": [{"type": "DROP"}]}


def test_a_line_may_say_what_segment_does_before_the_mappings() -> None:
    kept, dropped, renamed = _lines(
        *[
            json.dumps({"event": EVENT, "datafile": DATAFILE, **parts})
            for parts in (
                {"filters": [{**DROP, "if": "event = 'B'"}]},
                {"filters": [DROP]},
                {"transformations": [{"name": "T", "if": "all", "newEventName": "B"}]},
            )
        ]
    )
    assert kept["outcome"] == "sent"
    assert [(row["stage"], row["result"]) for row in kept["stages"]] == [("destination_filters", "passed")]
    assert (dropped["outcome"], dropped["requests"]) == ("skipped", [])
    assert (dropped["stages"][0]["code"], dropped["stages"][0]["by"]) == ("FILTERED_BY_RULES", "No A")
    assert renamed["outcome"] == "error"
    assert renamed["error"]["message"] == "Event with name B is not defined"


def test_without_any_of_it_a_line_is_answered_as_before() -> None:
    (answer,) = _lines(json.dumps({"event": {**EVENT, "integrations": {"All": False}}, "datafile": DATAFILE}))
    assert (answer["outcome"], "stages" in answer) == ("sent", False)


def test_parts_that_are_refused_are_the_lines_error() -> None:
    (answer,) = _lines(json.dumps({"event": EVENT, "datafile": DATAFILE, "filters": [{"title": "x"}]}))
    assert answer["outcome"] == "error"
    assert answer["error"]["message"].startswith('filters[0].if: "if" is required')


def test_a_workspace_holds_for_every_line_and_a_lines_own_parts_win() -> None:
    workspace = Workspace(platform=read_platform({"filters": [DROP]}))
    line = {"event": EVENT, "datafile": DATAFILE}
    assert run_line(line, workspace)["outcome"] == "skipped"
    assert run_line({**line, "filters": []}, workspace)["outcome"] == "sent"
    mappings = [Subscription("Other", 'event = "B"', {}), DEFAULT_SUBSCRIPTION]
    several = Workspace(mappings=mappings)
    assert run_line(line, several)["outcome"] == "sent"
    assert run_line({**line, "subscription": 'event = "B"'}, several)["outcome"] == "skipped"
    off = Workspace(mappings=[Subscription("Off", 'type = "track"', {}, enabled=False)])
    assert run_line(line, off)["outcome"] == "skipped"


def test_of_two_mappings_that_fail_the_answer_is_that_of_the_one_that_got_further() -> None:
    incomplete = Subscription("incomplete", 'type = "track"', {"eventKey": {"@path": "$.event"}})
    answer = run_line({"event": EVENT}, Workspace(mappings=[incomplete, DEFAULT_SUBSCRIPTION]))
    assert answer["error"]["message"] == "Event with name A is not defined"
