"""The listings over HTTP: pages, filters, every namespace, waiting."""

import threading
from typing import Any

import pytest
import requests
from field_builders import activation, batch, purchase, report
from space import Space

from optilocal.scenarios.running.emulator_client import EmulatorClient


def test_pages_forwards_and_backwards(space: Space) -> None:
    space.send(batch(*(purchase(f"u-{number}", uuid=f"c-{number}") for number in range(7))))
    for order, expected in (("oldest", range(7)), ("newest", range(6, -1, -1))):
        seen: list[str] = []
        after: dict[str, int] = {}
        while True:
            page = space.json("events", limit=3, order=order, **after)
            if not page["events"]:
                assert page["next"] == after["after"]
                break
            seen += [row["visitor_id"] for row in page["events"]]
            after = {"after": page["next"]}
        assert seen == [f"u-{number}" for number in expected]
        assert page["dropped"] == 0
    assert space.json("events", limit=1)["last"] == space.rows("events", order="newest")[0]["number"]
    assert len(space.rows("events", limit=5000)) == 7


@pytest.fixture
def filled(space: Space) -> Space:
    space.put_datafile()
    space.send(batch(activation("u-1"), purchase("u-1")))
    space.send(
        batch(
            purchase("u-2", uuid="c-2", entity_id="ev-free", key="Newsletter Subscribed", tags={"a": "Zoë%"})
        )
    )
    space.send(b"broken")
    space.report(
        **report("9", outcome="not_subscribed", requests=[], event_key=None, event="Login", visitor_id="u-9")
    )
    return space


@pytest.mark.parametrize(
    ("listing", "params", "count"),
    [
        ("events", {"visitor_id": "u-1"}, 2),
        ("events", {"uuid": "c-2"}, 1),
        ("events", {"event_key": "Order Completed"}, 1),
        ("events", {"kind": "decision"}, 1),
        ("events", {"experiment": "checkout"}, 1),
        ("events", {"experiment": "exp-checkout"}, 1),
        ("events", {"experiment": "other"}, 0),
        ("events", {"status": "204"}, 3),
        ("events", {"outcome": "counted"}, 1),
        ("events", {"q": "zoë%"}, 1),
        ("events", {"q": "Zoë%"}, 1),
        ("events", {"q": "%"}, 1),
        ("events", {"q": "NEWSLETTER"}, 1),
        ("events", {"kind": "conversion", "visitor_id": "u-2"}, 1),
        ("exchanges", {"surface": "events"}, 3),
        ("exchanges", {"status": "400"}, 1),
        ("exchanges", {"visitor_id": "u-1"}, 1),
        ("exchanges", {"event_key": "Newsletter Subscribed"}, 1),
        ("exchanges", {"uuid": "c-2", "kind": "conversion"}, 1),
        ("exchanges", {"experiment": "checkout"}, 1),
        ("exchanges", {"outcome": "counted"}, 1),
        ("exchanges", {"q": "broken"}, 1),
        ("verdicts", {"message_id": "c-9"}, 1),
        ("verdicts", {"outcome": "no_experiment"}, 1),
        ("verdicts", {"event_key": "Login"}, 1),
        ("verdicts", {"visitor_id": "u-9"}, 1),
        ("verdicts", {"uuid": "c-2"}, 1),
        ("verdicts", {"experiment": "checkout"}, 1),
        ("verdicts", {"kind": "deletion"}, 0),
        ("verdicts", {"status": "204"}, 2),
        ("verdicts", {"q": "counted"}, 1),
        ("verdicts", {"q": "login"}, 1),
    ],
)
def test_filters(filled: Space, listing: str, params: dict[str, str], count: int) -> None:
    assert len(filled.rows(listing, **params)) == count


def test_every_namespace_at_once(space: Space, other: Space) -> None:
    for each in (space, other):
        each.send(batch(purchase(f"only-{space.name}")))
    rows = space.rows("events", ns="*", visitor_id=f"only-{space.name}")
    assert [row["namespace"] for row in rows] == [space.name, other.name]
    assert len(space.rows("events", visitor_id=f"only-{space.name}")) == 1


def test_waiting_ends_with_the_row_that_was_waited_for(space: Space) -> None:
    found: list[Any] = []

    def wait() -> None:
        params: dict[str, Any] = {"wait": 20, "count": 2, "visitor_id": "u-1"}
        found.append(requests.get(f"{space.base_url}/_emulator/events", params=params, timeout=30).json())

    waiter = threading.Thread(target=wait)
    waiter.start()
    space.send(batch(purchase("u-1")))
    space.send(batch(purchase("u-2", uuid="c-2")))
    assert waiter.is_alive()
    space.send(batch(purchase("u-1", uuid="c-3")))
    waiter.join(10)
    assert [row["uuid"] for row in found[0]["events"]] == ["c-1", "c-3"]


def test_waiting_for_an_outcome_that_a_datafile_brings(space: Space) -> None:
    space.send(batch(activation(), purchase()))
    found: list[Any] = []
    url = f"{space.base_url}/_emulator/verdicts?outcome=counted&wait=20"
    waiter = threading.Thread(target=lambda: found.append(requests.get(url, timeout=30).json()))
    waiter.start()
    space.put_datafile()
    waiter.join(10)
    assert len(found[0]["verdicts"]) == 1


def test_waiting_for_an_outcome_that_a_later_decision_brings(space: Space) -> None:
    """What wakes is a verdict that has changed, of which the step that changes it tells the outcome alone."""
    space.put_datafile()
    space.send(batch(purchase("u-1")))
    found: list[Any] = []
    url = f"{space.base_url}/_emulator/verdicts?outcome=counted&event_key=Order%20Completed&wait=60"
    waiter = threading.Thread(target=lambda: found.append(requests.get(url, timeout=90).json()))
    waiter.start()
    assert [row["outcome"] for row in space.rows("verdicts", wait=20)] == ["user_not_activated"]
    space.send(batch(activation("u-1")))
    waiter.join(30)
    assert not waiter.is_alive()
    assert [row["outcome"] for row in found[0]["verdicts"]] == ["counted"]


def test_who_waits_is_not_answered_while_a_verdict_is_worked_out_anew(space: Space) -> None:
    """A report that comes right behind its conversion takes the conversion's own verdict away and brings another one."""
    space.put_datafile()
    found: list[int] = []

    def wait(visitor: str) -> None:
        params = {"outcome": "user_not_activated", "q": visitor, "wait": 30, "count": 1}
        url = f"{space.base_url}/_emulator/verdicts"
        found.append(len(requests.get(url, params=params, timeout=60).json()["verdicts"]))

    for number in range(30):
        visitor = f"visitor-{number}-"
        waiter = threading.Thread(target=wait, args=(visitor,))
        waiter.start()
        space.send(batch(purchase(visitor, uuid=f"c-{number}")))
        space.report(**report(str(number), uuid=f"c-{number}", visitor_id=visitor))
        waiter.join(60)
    assert found == [1] * 30


PAGES = ("exchanges", "events", "runs")


def test_a_page_ends_by_its_bytes_too(space: Space) -> None:
    space.put_datafile()
    for number in range(4):
        long = {"text": "x" * 3_000_000}
        assert space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}", tags=long))).status_code == 204
        space.call("POST", "/_emulator/runs", json={"id": f"run-{number}", "command": "x" * 3_000_000})
    for name in PAGES:
        whole, after, pages = [], 0, 0
        while True:
            answer = space.get(f"/_emulator/{name}", params={"after": after, "limit": 1000})
            assert len(answer.content) < 9_000_000 or len(answer.json()[name]) == 1
            page = answer.json()
            whole += [row["number"] for row in page[name]]
            after, pages = page["next"], pages + 1
            if not page.get("more"):
                break
        assert len(whole) == len(set(whole)) == 4
        assert pages > 1, name


def test_a_listing_without_rows_by_number_ends_by_its_bytes_too(space: Space) -> None:
    for number in range(6):
        path = f"/_emulator/datafiles/key-{number}?raw=1"
        assert space.call("PUT", path, data=b"x" * 2_000_000).status_code == 201
    first = space.json("datafiles")
    assert (len(first["datafiles"]), first["more"]) == (3, True)
    rest = space.json("datafiles", after=first["next"])
    keys = [row["sdkKey"] for row in first["datafiles"] + rest["datafiles"]]
    assert keys == [f"key-{number}" for number in range(6)]
    assert "more" not in rest
    with EmulatorClient(space.root, space.name).session as session:
        assert len(EmulatorClient(space.root, space.name, session).datafiles()) == 6


def test_waiting_for_a_run(space: Space) -> None:
    space.call("POST", "/_emulator/runs", json={"id": "r-1", "state": "running"})
    cursor = space.json("runs")["last"]
    found: list[Any] = []
    url = f"{space.base_url}/_emulator/runs?after={cursor}&wait=20"
    waiter = threading.Thread(target=lambda: found.append(requests.get(url, timeout=30).json()))
    waiter.start()
    space.call("POST", "/_emulator/runs", json={"id": "r-1", "state": "finished"})
    waiter.join(10)
    assert [row["state"] for row in found[0]["runs"]] == ["finished"]


def test_waiting_for_nothing_more_answers_at_once_and_waiting_in_vain_answers_when_over(space: Space) -> None:
    space.send(batch(purchase()))
    assert len(space.rows("events", wait=30, count=1)) == 1
    assert space.rows("events", wait=0.05, count=2) == space.rows("events")
    assert space.rows("events", wait=30, count=0) == space.rows("events")


def test_a_hundred_waiting_clients_keep_nobody_out(space: Space) -> None:
    url = f"{space.base_url}/_emulator/events?wait=20&count=3"
    answers: list[int] = []
    waiters = [
        threading.Thread(target=lambda: answers.append(len(requests.get(url, timeout=60).json()["events"])))
        for _ in range(100)
    ]
    for waiter in waiters:
        waiter.start()
    for number in range(3):
        assert space.send(batch(purchase(uuid=f"c-{number}"))).status_code == 204
    for waiter in waiters:
        waiter.join(30)
    assert answers == [3] * 100


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "limit=-1",
        "after=x",
        "after=99999999999999999999",
        "wait=soon",
        "wait=-1",
        "wait=nan",
        "wait=inf",
        "count=-1",
        "order=up",
        "ns=other",
        "colour=red",
    ],
)
@pytest.mark.parametrize("listing", ["events", "exchanges", "verdicts", "runs"])
def test_a_parameter_that_cannot_be_is_400(space: Space, listing: str, query: str) -> None:
    answer = space.get(f"/_emulator/{listing}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_parameter"
