"""Fault rules over real connections: which request fails, how, what is recorded, and that nothing else is touched."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from field_builders import batch, purchase
from hypothesis import given
from hypothesis import strategies as st
from space import TOKEN, Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings
from optilocal.emulator.wire.faults import choose, parse_rules

SURFACES = {
    "events": ("POST", "/v1/events", 204),
    "datafile": ("GET", "/datafiles/none.json", 403),
    "privacy": ("GET", "/v2/subject-access-requests", 200),
}


def reach(space: Space, surface: str) -> requests.Response:
    method, path, _ = SURFACES[surface]
    body: dict[str, Any] = {"json": batch(purchase())} if method == "POST" else {}
    return space.call(method, path, headers=TOKEN, **body)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("how", ["reset", "hang_up", "truncate", "garbage"])
def test_a_broken_connection_is_seen_as_one_and_the_next_request_is_healthy(
    space: Space, surface: str, phase: str, how: str
) -> None:
    space.put_faults({"on": surface, "break": how, "phase": phase, "times": 1})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        reach(space, surface)
    assert reach(space, surface).status_code == SURFACES[surface][2]
    broken, healthy = space.rows("exchanges", surface=surface)
    assert (broken["fault"]["break"], healthy["fault"]) == (how, None)
    if surface == "events":
        assert len(space.rows("events")) == (1 if phase == "before" else 2)


@pytest.mark.parametrize(("phase", "received"), [("before", 0), ("after", 1)])
def test_a_status_before_records_nothing_as_received_and_after_does(
    space: Space, phase: str, received: int
) -> None:
    rule = {
        "on": "events",
        "phase": phase,
        "status": 503,
        "body": '{"busy": true}',
        "headers": {"Retry-After": "7"},
    }
    space.put_faults(rule)
    answer = reach(space, "events")
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"busy": True}, "7")
    assert answer.headers["Content-Type"] == "application/json"
    assert len(space.rows("events")) == received
    [exchange] = space.rows("exchanges")
    assert (exchange["status"], exchange["response"]) == (503, '{"busy": true}')
    assert {name: exchange["fault"][name] for name in rule} == rule
    assert exchange["json"] == batch(purchase())


def test_skip_first_then_at_most_times(space: Space) -> None:
    space.put_faults({"on": "events", "status": 500, "skip": 2, "times": 2})
    assert [reach(space, "events").status_code for _ in range(6)] == [204, 204, 500, 500, 204, 204]
    [rule] = space.rows("faults")
    assert (rule["seen"], rule["applied"], rule["active"]) == (6, 2, False)


def test_rules_in_a_row_each_count_every_request(space: Space) -> None:
    space.put_faults(
        {"on": "events", "status": 500, "times": 1}, {"on": "events", "status": 502, "skip": 1, "times": 1}
    )
    assert [reach(space, "events").status_code for _ in range(3)] == [500, 502, 204]


def test_chance_is_the_same_every_time(space: Space, other: Space) -> None:
    runs = []
    for each in (space, other):
        each.put_faults({"on": "events", "status": 500, "chance": 0.5, "seed": 42})
        runs.append([reach(each, "events").status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert {204, 500} == set(runs[0])


def test_headers_alone_change_the_real_answer(space: Space) -> None:
    space.put_datafile()
    space.put_faults({"on": "datafile", "headers": {"content-type": "text/plain"}})
    answer = space.get("/datafiles/sdk-1.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain")
    assert answer.json()["revision"] == "1"


def test_latency_alone_leaves_the_answer_as_it_is(space: Space) -> None:
    space.put_faults({"on": "events", "latency_ms": 30})
    assert reach(space, "events").elapsed.total_seconds() >= 0.03
    assert len(space.rows("events")) == 1


def test_faults_reach_neither_another_namespace_nor_the_control_surface(space: Space, other: Space) -> None:
    space.put_faults(*({"on": surface, "break": "reset"} for surface in SURFACES))
    for surface, (_, _, status) in SURFACES.items():
        assert reach(other, surface).status_code == status
    assert space.json("health")["status"] == "ok"
    assert space.put_datafile().status_code == 201
    assert space.call("DELETE", "/_emulator/faults").json() == {"faults": []}
    assert reach(space, "events").status_code == 204


def test_preflights_are_never_made_to_fail(space: Space) -> None:
    space.put_faults({"on": "events", "status": 500})
    assert space.call("OPTIONS", "/v1/events").status_code == 204


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({}, "list"),
        ([1], "rule 0"),
        ([{"on": "events"}, {"on": "moon"}], "rule 1"),
        ([{"on": "events", "statsu": 1}], "statsu"),
        ([{"on": "events", "status": 99}], "status"),
        ([{"on": "events", "status": True}], "status"),
        ([{"on": "events", "break": "melt"}], "break"),
        ([{"on": "events", "phase": "during"}], "phase"),
        ([{"on": "events", "times": -1}], "times"),
        ([{"on": "events", "chance": 2}], "chance"),
        ([{"on": "events", "body": {}}], "body"),
        ([{"on": "events", "headers": {"a": "b\r\nc: d"}}], "headers"),
        ([{"on": "events", "headers": {"Content-Length": "1"}}], "headers"),
        ([{"on": "events", "latency_ms": 10**9}], "latency_ms"),
        ([{"on": "events"}] * 101, "100"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(space: Space, rules: Any, named: str) -> None:
    answer = space.call("PUT", "/_emulator/faults", json=rules)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_fault"
    assert named in answer.json()["error"]["message"]
    assert space.rows("faults") == []


def test_what_the_list_shows_can_be_put_back(space: Space, other: Space) -> None:
    space.put_faults({"on": "events", "status": 500, "times": 3})
    assert other.call("PUT", "/_emulator/faults", json=space.json("faults")).status_code == 200
    assert other.rows("faults")[0]["times"] == 3


@given(
    skip=st.integers(0, 5),
    times=st.none() | st.integers(0, 5),
    chance=st.floats(0, 1),
    seed=st.integers(-9, 9),
    requests_made=st.integers(0, 20),
)
def test_a_rule_never_applies_early_nor_too_often(
    skip: int, times: int | None, chance: float, seed: int, requests_made: int
) -> None:
    rules = parse_rules([{"on": "events", "skip": skip, "times": times, "chance": chance, "seed": seed}])
    hits = []
    for number in range(requests_made):
        rules, applied = choose(rules, "events")
        hits += [number] if applied else []
    assert all(number >= skip for number in hits)
    assert times is None or len(hits) <= times
    if chance == 1:
        assert len(hits) == min(max(requests_made - skip, 0), requests_made if times is None else times)


def test_a_rule_holds_up_nobody_while_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as emulator, requests.Session() as session:
        space = Space(emulator.base_url, None, session)
        space.put_faults({"on": "events", "status": 503, "times": 1})
        answers: list[int] = []
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            url = f"{emulator.base_url}/v1/events"
            sender = Thread(target=lambda: answers.append(requests.post(url, b"{}", timeout=30).status_code))
            sender.start()
            for _ in range(50):
                assert space.json("health")["status"] == "ok"
            assert answers == []
            other.execute("ROLLBACK")
        sender.join(30)
        assert answers == [503]
        assert space.send(b"{}").status_code == 204
