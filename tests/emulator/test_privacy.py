"""Subject access requests: Optimizely's own API, its states, and what a completed one really does."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import requests
from field_builders import activation, batch, codes, purchase
from space import TOKEN, Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

PATH = "/v2/subject-access-requests"


def test_a_request_is_created_pending(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile()
    answer = space.ask()
    assert answer.status_code == 201
    made = answer.json()
    assert made == {
        "id": made["id"],
        "account_id": 12001,
        "data_type": "visitor",
        "identifier": "u-1",
        "identifier_type": "fullstack_id",
        "request_type": "delete",
        "status": "pending",
        "requested_at_time": "2026-01-15T10:00:00.000Z",
        "processing_started_time": None,
        "completed_at_time": None,
        "sla_deadline_time": "2026-02-14T10:00:00.000Z",
        "expired_at_time": None,
        "export_location": None,
    }
    assert space.get(f"{PATH}/{made['id']}", headers=TOKEN).json() == made
    assert space.get(PATH, headers=TOKEN).json() == [made]


@pytest.mark.parametrize(
    ("authorization", "status", "message"),
    [
        (None, 401, "Unauthorized"),
        ("pat-1", 401, "Unauthorized"),
        ("Basic cGF0", 401, "Unauthorized"),
        ("Bearer ", 401, "Unauthorized"),
        ("Bearer wrong", 403, "Authentication Failed"),
        ("Bearer my-invalid-token", 403, "Authentication Failed"),
    ],
)
def test_without_a_good_token_nothing_happens(
    space: Space, authorization: str | None, status: int, message: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        space.call("POST", PATH, json={}, headers=headers),
        space.get(PATH, headers=headers),
        space.get(f"{PATH}/1", headers=headers),
    ):
        assert answer.status_code == status
        assert answer.json()["message"] == message
        assert set(answer.json()) == {"code", "message", "uuid"}
    assert space.rows("exchanges", status=status)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"data_type": "pet"}, "data_type"),
        ({"identifier": ""}, "identifier"),
        ({"identifier": 7}, "identifier"),
        ({"identifier": "x" * 356}, "identifier"),
        ({"identifier_type": None}, "identifier_type"),
        ({"request_type": "forget"}, "request_type"),
        ({"data_type": "user"}, "identifier_type"),
    ],
)
def test_a_wrong_field_is_400_and_named(space: Space, fields: dict[str, Any], wrong: str) -> None:
    answer = space.ask(**fields)
    assert answer.status_code == 400
    assert set(answer.json()["messages"]) == {wrong}
    assert space.get(PATH, headers=TOKEN).json() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_400(space: Space, body: bytes) -> None:
    assert space.call("POST", PATH, data=body, headers=TOKEN).status_code == 400


def test_the_longest_identifier_is_taken(space: Space) -> None:
    assert space.ask(identifier="x" * 355).status_code == 201


def test_lists_come_in_pages(space: Space) -> None:
    made = [space.ask(identifier=f"u-{number}").json()["id"] for number in range(30)]
    pages = [
        [row["id"] for row in space.get(PATH, params=params, headers=TOKEN).json()]
        for params in ({}, {"page": 2}, {"per_page": 100}, {"page": 9}, {"per_page": 7, "page": 2})
    ]
    assert pages == [made[:25], made[25:], made, [], made[7:14]]
    assert space.get(PATH, params={"per_page": 101}, headers=TOKEN).status_code == 400
    assert space.get(PATH, params={"page": "x"}, headers=TOKEN).status_code == 400


@pytest.mark.parametrize("request_id", ["999999", "x", "%00", "1/2"])
def test_an_unknown_request_is_404(space: Space, request_id: str) -> None:
    answer = space.get(f"{PATH}/{request_id}", headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["message"] == "Nothing matches the given URI"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_another_method_is_405_and_told_what_is_possible(space: Space, method: str) -> None:
    answer = space.call(method, PATH, headers=TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_named_tokens_are_the_only_ones() -> None:
    with (
        EmulatorServer(Settings(port=0, access_tokens=("pat-wrong-1",))) as server,
        requests.Session() as session,
    ):
        space = Space(server.base_url, None, session)
        for token, status in (("pat-wrong-1", 200), ("pat-1", 403)):
            assert space.get(PATH, headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_states_move_on_demand(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    number = space.ask().json()["id"]
    first = space.process(number)
    assert (first["status"], first["processing_started_time"]) == ("processing", "2026-01-15T10:00:00.000Z")
    second = space.process(number)
    assert (second["status"], second["completed_at_time"]) == ("completed", "2026-01-15T10:00:00.000Z")
    assert second["expired_at_time"] == "2026-01-22T10:00:00.000Z"
    third = space.call("POST", f"/_emulator/subject-access-requests/{number}/process")
    assert (third.status_code, third.json()["error"]["code"]) == (409, "already_processed")


def test_a_request_can_fail_and_then_erases_nothing(space: Space) -> None:
    space.send(batch(purchase()))
    number = space.ask().json()["id"]
    assert space.process(number, status="failure")["status"] == "failure"
    assert space.get(f"{PATH}/{number}", headers=TOKEN).json()["status"] == "failure"
    assert len(space.rows("events")) == 1


def test_a_completed_delete_erases_the_visitor_and_nobody_else() -> None:
    with EmulatorServer(Settings(port=0)) as server, requests.Session() as session:
        _erase_one(Space(server.base_url, "gdpr", session), server)


def _erase_one(space: Space, server: EmulatorServer) -> None:
    space.put_datafile()
    mine, others = "visitor-to-erase", "visitor-to-erase-not"
    space.send(
        batch(activation(mine), purchase(mine, tags={"secret": "of-mine"}), purchase(others, uuid="c-2"))
    )
    space.send(b'{"visitors": [{"visitor_id": "visitor-to-erase", "attributes": "of-mine" broken')
    space.report(
        id="d-1",
        message_id="c-1",
        user_id=mine,
        visitor_id=mine,
        outcome="sent",
        event_key="Order Completed",
        source_event={"userId": mine, "context": {"traits": {"secret": "of-mine"}}},
        requests=[{"to": "events", "json": batch(purchase(mine))}],
    )
    space.report(id="d-2", user_id=mine, outcome="not_subscribed", source_event={"traits": "of-mine"})
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 1
    number = space.ask(identifier=mine).json()["id"]
    done = space.process(number, status="completed")
    assert done["erased"] == {"visitors": [mine], "events": 2, "exchanges": 2, "deliveries": 2}

    for path in ("exchanges", "events", "verdicts"):
        shown = space.get(f"/_emulator/{path}").text
        assert "of-mine" not in shown
        assert mine not in shown.replace(others, "")
    assert [row["visitor_id"] for row in space.rows("events")] == [others]
    assert space.rows("verdicts")[0]["visitor_id"] == others
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0
    erased = [row for row in space.rows("exchanges") if row.get("erased")]
    assert [mark["request"] for row in erased for mark in row["erased"]] == [number] * 3
    assert erased[0]["json"]["visitors"] == [purchase(others, uuid="c-2")]

    parts = server._context
    assert parts is not None
    folder = parts.journal.path.parent
    assert b"of-mine" not in b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def test_nothing_is_erased_while_another_process_reads_what_cannot_be_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optilocal.emulator.journal.sqlite_store.PATIENCE_S", 0.1)
    file = tmp_path / "journal"
    with EmulatorServer(Settings(port=0, journal=file)) as server, requests.Session() as session:
        space = Space(server.base_url, "gdpr", session)
        space.send(batch(purchase("u-1")))
        number = space.ask().json()["id"]
        reader = sqlite3.connect(file, isolation_level=None)
        with contextlib.closing(reader):
            reader.execute("BEGIN")
            assert reader.execute("SELECT COUNT(*) FROM exchanges").fetchone()[0] > 0
            space.send(batch(purchase("u-2", uuid="c-2")))
            path = f"/_emulator/subject-access-requests/{number}/process"
            refused = space.call("POST", path, json={"status": "completed"})
            error = refused.json()["error"]
            assert (refused.status_code, error["code"]) == (500, "journal_failed")
            assert "is being read by another process or a long question" in error["message"]
        assert space.get(f"{PATH}/{number}", headers=TOKEN).json()["status"] == "pending"
        assert len(space.rows("events")) == 2
        assert space.process(number, status="completed")["erased"]["events"] == 1
        assert [row["visitor_id"] for row in space.rows("events")] == ["u-2"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"identifier": "12001", "identifier_type": "dcp_id"}, "names_nobody"),
        ({"identifier": "u-1", "identifier_type": "other"}, "names_nobody"),
        ({"identifier": "u-404"}, "unknown_visitor"),
    ],
)
def test_a_request_that_names_nobody_known_says_so_and_erases_nothing(
    space: Space, fields: dict[str, str], code: str
) -> None:
    space.send(batch(purchase("u-1"), purchase("12001", uuid="c-2")))
    number = space.ask(**fields).json()["id"]
    assert codes(space.rows("exchanges", surface="privacy")[0]["warnings"]) == [code]
    done = space.process(number, status="completed")
    assert done["erased"] == {"visitors": [], "events": 0, "exchanges": 0, "deliveries": 0}
    assert len(space.rows("events")) == 2
    listed = space.rows("exchanges", surface="events")
    assert listed[0]["json"] == batch(purchase("u-1"), purchase("12001", uuid="c-2"))


def test_an_access_request_gives_an_export(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase(), purchase("u-2", uuid="c-2")))
    made = space.ask(request_type="access").json()
    early = space.get(f"/_emulator/subject-access-requests/{made['id']}/export")
    assert early.json()["error"]["code"] == "no_export"
    done = space.process(made["id"], status="completed")
    assert done["erased"] is None
    export = space.session.get(done["export_location"]).json()
    assert export["visitor_id"] == "u-1"
    assert [row["kind"] for row in export["events"]] == ["decision", "conversion"]
    assert [row["outcome"] for row in export["verdicts"]] == ["counted"]
    assert (
        space.get(f"{PATH}/{made['id']}", headers=TOKEN).json()["export_location"] == done["export_location"]
    )
    assert len(space.rows("events")) == 3


def test_the_control_surface_lists_them_all(space: Space, other: Space) -> None:
    one, two = space.ask().json(), other.ask().json()
    assert space.json("subject-access-requests") == {
        "subject_access_requests": [{"namespace": space.name, **one, "erased": None}]
    }
    ids = {row["id"] for row in space.json("subject-access-requests", ns="*")["subject_access_requests"]}
    assert {one["id"], two["id"]} <= ids


@pytest.mark.parametrize("body", ["1", '{"status": "pending"}', '{"state": "completed"}', "{"])
def test_a_move_that_is_none_is_refused(space: Space, body: str) -> None:
    number = space.ask().json()["id"]
    answer = space.call("POST", f"/_emulator/subject-access-requests/{number}/process", data=body)
    assert answer.status_code == 400
    unknown = space.call("POST", "/_emulator/subject-access-requests/0/process")
    assert unknown.json()["error"]["code"] == "unknown_request"


def test_only_what_really_holds_the_id_is_changed(space: Space) -> None:
    space.send(batch(purchase("1"), purchase("11", uuid="c-1111", revenue=1)))
    before = space.rows("events", visitor_id="11")
    space.process(space.ask(identifier="1").json()["id"], status="completed")
    assert space.rows("events") == before
    [exchange] = space.rows("exchanges", surface="events")
    assert exchange["json"]["visitors"] == [purchase("11", uuid="c-1111", revenue=1)]


@pytest.mark.parametrize("spelt", [r"u-\u00FC\/1", r"u-\u00fc\/1", r"u-ü/1", r"\u0075-ü/1"])
def test_an_id_is_erased_however_json_spells_it(space: Space, spelt: str) -> None:
    body = json.dumps(batch(purchase("placeholder", tags={"secret": "of-mine"}))).replace(
        "placeholder", spelt
    )
    assert space.send(body.encode()).status_code == 204
    number = space.ask(identifier="u-ü/1").json()["id"]
    assert space.process(number, status="completed")["erased"]["exchanges"] == 1
    assert "of-mine" not in space.get("/_emulator/exchanges").text
