"""The control surface over HTTP: listings, filters, waiting, deliveries and verdicts, runs, results, reset."""

import threading
from typing import Any

import pytest
import requests
from conftest import Space
from field_builders import NOW, SECOND, activation, batch, datafile, experiment, purchase

from emulator import __version__


def report(name: str = "1", **more: Any) -> dict[str, Any]:
    """A delivery that sent the conversion `c-<name>` of the visitor u-1."""
    sent = batch(purchase("u-1", uuid=f"c-{name}"), client_name="Segment")
    return {
        "id": f"delivery-{name}",
        "type": "track",
        "message_id": f"c-{name}",
        "event": "Order Completed",
        "user_id": "u-1",
        "visitor_id": "u-1",
        "event_key": "Order Completed",
        "outcome": "sent",
        "source_event": {
            "type": "track",
            "event": "Order Completed",
            "userId": "u-1",
            "messageId": f"c-{name}",
        },
        "payload": {"eventKey": "Order Completed", "userId": "u-1", "uuid": f"c-{name}"},
        "requests": [{"attempt": 1, "to": "events", "method": "POST", "status": 204, "json": sent}],
        **more,
    }


def send_sent(space: Space, delivery: dict[str, Any]) -> None:
    """Send what a delivery says it sent."""
    for request in delivery["requests"]:
        assert space.send(request["json"]).status_code == 204


def test_health_tells_the_version(space: Space) -> None:
    assert space.json("health") == {"status": "ok", "version": __version__}


def test_a_reported_event_has_one_verdict_with_its_conversion(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation()))
    delivery = report()
    send_sent(space, delivery)
    assert [row["delivery"] for row in space.rows("verdicts")] == [None]
    number = space.report(**delivery)
    [verdict] = space.rows("verdicts")
    assert verdict["number"] == number
    assert (verdict["outcome"], verdict["message_id"]) == ("counted", "c-1")
    assert verdict["attributed_to"][0] == {
        "experiment": "checkout",
        "variation": "a",
        "experiment_id": "exp-checkout",
        "variation_id": "checkout-a",
    }
    assert verdict["event_number"] == space.rows("events", kind="conversion")[0]["number"]
    assert verdict["delivery"]["requests"] == delivery["requests"]
    assert set(verdict["conditions"].values()) == {True}


def test_a_report_that_comes_first_takes_its_conversion_when_it_comes(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation()))
    delivery = report(outcome="pending")
    space.report(**delivery)
    assert space.rows("verdicts")[0]["event_number"] is None
    send_sent(space, delivery)
    [verdict] = space.rows("verdicts")
    assert verdict["event_number"] is not None
    assert verdict["outcome"] == "counted"


def test_a_report_with_a_known_id_replaces_and_keeps_its_number(space: Space) -> None:
    space.put_datafile()
    first = space.report(**report(outcome="pending", requests=[]))
    space.report(**report("2", outcome="not_subscribed", requests=[]))
    assert space.report(**report(outcome="delivery_failed", requests=[])) == first
    assert [row["outcome"] for row in space.rows("verdicts")] == ["delivery_failed", "not_subscribed"]


def test_a_report_that_sent_nothing_takes_nothing(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation()))
    sent = report()
    send_sent(space, sent)
    space.report(**{**report(), "id": "second", "outcome": "duplicate", "requests": []})
    space.report(**sent)
    send_sent(space, sent)
    shown = [(row["outcome"], row["event_number"] is None) for row in space.rows("verdicts")]
    assert shown == [("duplicate", True), ("counted", False)]


def test_a_retry_is_no_duplicate(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation()))
    delivery = report()
    send_sent(space, delivery)
    send_sent(space, delivery)
    space.report(**delivery)
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted"]
    assert [row["duplicate_of"] is None for row in space.rows("events", kind="conversion")] == [True, False]
    metrics = space.json("results")["experiments"]["checkout"]["variations"]["a"]["metrics"]
    assert metrics["Order Completed"]["total"] == 1


def test_a_uuid_of_another_delivery_is_a_duplicate(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation()))
    for name in ("1", "2"):
        delivery = {**report(name), "requests": report("1")["requests"]}
        send_sent(space, delivery)
        space.report(**delivery)
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "duplicate"]


def test_a_delivery_whose_uuid_an_sdk_used_before_is_the_duplicate(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase(uuid="c-1", timestamp=NOW + SECOND)))
    later = batch(purchase(uuid="c-1", timestamp=NOW + 5 * SECOND), client_name="Segment")
    delivery = {**report(), "requests": [{"attempt": 1, "to": "events", "status": 204, "json": later}]}
    send_sent(space, delivery)
    space.report(**delivery)
    shown = [(row["outcome"], row["message_id"]) for row in space.rows("verdicts")]
    assert shown == [("counted", None), ("duplicate", "c-1")]


def test_an_sdks_replay_is_one_verdict_and_another_event_under_its_uuid_is_two(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase()))
    space.send(batch(purchase()))
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted"]
    space.send(batch(purchase("u-2")))
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "duplicate"]


def test_a_later_decision_changes_the_outcome_that_is_filtered_by(space: Space) -> None:
    space.put_datafile()
    space.send(batch(purchase()))
    assert len(space.rows("verdicts", outcome="user_not_activated")) == 1
    space.send(batch(activation()))
    assert space.rows("verdicts", outcome="user_not_activated") == []
    assert len(space.rows("verdicts", outcome="counted", experiment="checkout")) == 1


def test_a_later_datafile_changes_outcomes_and_results(space: Space) -> None:
    space.put_clock("2026-01-15T09:00:00Z")
    space.put_datafile(datafile(experiments=[experiment("checkout", "Paused")]))
    space.send(batch(activation(), purchase()))
    assert len(space.rows("verdicts", outcome="experiment_not_running")) == 1
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0
    space.put_clock("2026-01-15T09:30:00Z")
    space.put_datafile(datafile(revision="2"))
    assert len(space.rows("verdicts", outcome="counted")) == 1
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 1


def test_results_follow_every_event(space: Space) -> None:
    space.put_datafile()
    for number in range(1, 4):
        space.send(
            batch(
                activation(f"u-{number}"), purchase(f"u-{number}", uuid=f"c-{number}", revenue=100, value=0.5)
            )
        )
        shown = space.json("results")["experiments"]["checkout"]["variations"]["a"]
        assert shown["visitors"] == 1  # every activation bears one uuid here, so the first alone counts
    assert shown["metrics"]["Order Completed"] == {"unique": 1, "total": 1, "revenue": 100, "value": 0.5}


def test_the_rest_shape_of_results(space: Space) -> None:
    space.put_datafile()
    assert space.get("/v2/experiments/exp-checkout/results").status_code == 204
    space.send(batch(activation(), purchase(revenue=4999)))
    answer = space.get("/v2/experiments/exp-checkout/results").json()
    assert answer["reach"]["total_count"] == 1
    orders = [metric for metric in answer["metrics"] if metric["name"] == "Order Completed"]
    kinds = {(metric["aggregator"], metric["field"]): metric for metric in orders}
    assert kinds[("unique", None)]["results"]["checkout-a"]["value"] == 1
    assert kinds[("sum", "revenue")]["results"]["checkout-a"]["value"] == 4999
    unknown = space.get("/v2/experiments/none/results")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    refused = space.get("/v2/experiments/exp-checkout/results", headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 403


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


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[]", "object"),
        ("{", "JSON"),
        ('{"id": 7}', "id"),
        ('{"id": ""}', "id"),
        ('{"requests": {}}', "requests"),
        ('{"requests": [1]}', "requests"),
        ('{"payload": []}', "payload"),
        ('{"details": "x"}', "details"),
        ('{"received_at": "now"}', "received_at"),
    ],
)
def test_a_report_that_is_none_is_400_and_named(space: Space, body: str, named: str) -> None:
    answer = space.call("POST", "/_emulator/deliveries", data=body)
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]
    assert space.rows("verdicts") == []


def test_a_report_may_leave_everything_out_and_carry_odd_values(space: Space) -> None:
    space.report()
    space.report(id="odd", event=42, user_id=7, outcome="invalid_payload", message_id=["x"], visitor_id=True)
    assert [row["outcome"] for row in space.rows("verdicts")][1] == "invalid_payload"


def test_a_run_is_kept_whole_and_listed_without_its_scenarios(space: Space) -> None:
    scenarios = [
        {"name": "fine", "status": "passed"},
        {"name": "worse", "status": "failed"},
        {"status": "error"},
    ]
    run = {
        "id": "2026-01-15/1",
        "version": 1,
        "state": "running",
        "scenarios": scenarios,
        "counts": {"total": 3},
    }
    answer = space.call("POST", "/_emulator/runs", json=run)
    assert (answer.status_code, answer.json()) == (201, {"id": "2026-01-15/1"})
    assert space.json("runs/2026-01-15/1") == run
    [row] = space.rows("runs")
    assert (row["name"], row["counts"], "scenarios" in row) == ("worse", {"total": 3}, False)
    space.call("POST", "/_emulator/runs", json={**run, "state": "finished"})
    assert [each["state"] for each in space.rows("runs")] == ["finished"]
    assert space.rows("runs", status="finished")
    assert space.get("/_emulator/runs/none").json()["error"]["code"] == "unknown_run"
    for wrong in ([], {"id": 7}, {"id": "r", "scenarios": 1}, {"id": "r", "state": {}}):
        assert space.call("POST", "/_emulator/runs", json=wrong).status_code == 400


def test_reset_forgets_the_journal_and_keeps_the_datafiles_unless_asked(space: Space, other: Space) -> None:
    for each in (space, other):
        each.put_datafile()
        each.put_clock("2026-01-15T10:00:00Z")
        each.put_faults({"on": "privacy", "status": 500})
        each.send(batch(activation(), purchase()))
        each.json("results")
        each.report(**report("9"))
        each.call("POST", "/_emulator/runs", json={"id": "r"})
    cursor = space.json("events")["next"]
    assert space.call("POST", "/_emulator/reset").status_code == 200
    for listing in ("events", "exchanges", "verdicts", "runs", "faults"):
        assert space.rows(listing) == []
        assert other.rows(listing)
    assert space.json("clock")["set"] is False
    assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0
    assert space.get("/datafiles/sdk-1.json").status_code == 200
    space.send(batch(purchase()))
    assert space.rows("events", after=cursor)[0]["visitor_id"] == "u-1"
    assert space.call("POST", "/_emulator/reset", json={"datafiles": True}).status_code == 200
    assert space.get("/datafiles/sdk-1.json").status_code == 403
    assert space.json("results") == {"experiments": {}}
    assert other.get("/datafiles/sdk-1.json").status_code == 200
    for wrong in ("[]", '{"datafiles": 1}', '{"all": true}'):
        assert space.call("POST", "/_emulator/reset", data=wrong).status_code == 400


def test_namespaces_are_listed_with_their_counts(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.send(batch(activation(), purchase()))
    row = next(row for row in space.rows("namespaces") if row["name"] == space.name)
    assert row == {"name": space.name, "events": 2, "verdicts": 1, "dropped": 0, "last_at": NOW}


def test_experiments_of_several_datafiles_are_judged_together(space: Space) -> None:
    space.put_datafile()
    extra = datafile(
        sdkKey="sdk-2", experiments=[experiment("second")], events=[], groups=[], rollouts=[], holdouts=[]
    )
    space.put_datafile(extra, "sdk-2")
    space.send(batch(activation(), purchase(timestamp=NOW + SECOND)))
    assert {"checkout", "second"} <= set(space.json("results")["experiments"])
    assert space.rows("verdicts")[0]["outcome"] == "counted"
