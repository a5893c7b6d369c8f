"""Reported deliveries over HTTP: which conversion each takes, and the one verdict the two have."""

from typing import Any

import pytest
from field_builders import NOW, SECOND, activation, batch, purchase, report
from space import Space


def send_sent(space: Space, delivery: dict[str, Any]) -> None:
    """Send what a delivery says it sent."""
    for request in delivery["requests"]:
        assert space.send(request["json"]).status_code == 204


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


@pytest.mark.parametrize(
    ("change", "outcome"), [({}, "duplicate"), ({"timestamp": NOW + 5 * SECOND}, "counted")]
)
def test_a_delivery_whose_event_an_sdk_sent_before_is_the_duplicate(
    space: Space, change: dict[str, Any], outcome: str
) -> None:
    space.put_datafile()
    space.send(batch(activation(), activation("other", uuid="d-2")))
    space.send(batch(purchase("other", uuid="c-1", timestamp=NOW + SECOND)))
    later = batch(purchase(uuid="c-1", **{"timestamp": NOW + SECOND, **change}), client_name="Segment")
    delivery = {**report(), "requests": [{"attempt": 1, "to": "events", "status": 204, "json": later}]}
    send_sent(space, delivery)
    space.report(**delivery)
    shown = [(row["outcome"], row["message_id"]) for row in space.rows("verdicts")]
    assert shown == [("counted", None), (outcome, "c-1")]


def test_an_sdks_replay_is_one_verdict_and_another_event_under_its_uuid_is_two(space: Space) -> None:
    space.put_datafile()
    space.send(batch(activation(), purchase()))
    space.send(batch(purchase()))
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted"]
    space.send(batch(purchase("u-2")))
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "duplicate"]


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


def test_a_list_of_reports_is_taken_in_its_order(space: Space) -> None:
    first = space.report(**report("1", outcome="pending", requests=[]))
    reports = [
        report("2", outcome="pending"),
        report("1", outcome="sent"),
        report("2", outcome="not_subscribed"),
    ]
    answer = space.call("POST", "/_emulator/deliveries", json=reports)
    assert answer.status_code == 201
    second, again, third = answer.json()["numbers"]
    assert (again, third) == (first, second)
    deliveries = [(row["number"], row["delivery"]["outcome"]) for row in space.rows("verdicts")]
    assert deliveries == [(first, "sent"), (second, "not_subscribed")]


def test_one_wrong_report_refuses_its_whole_list_and_is_named(space: Space) -> None:
    for wrong, named in (({"requests": 1}, 'delivery [1]: "requests"'), ([], "delivery [1]: a delivery is")):
        answer = space.call("POST", "/_emulator/deliveries", json=[report("1"), wrong])
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_delivery")
        assert named in answer.json()["error"]["message"]
    answer = space.call("POST", "/_emulator/deliveries", json=[{}] * 1001)
    assert answer.status_code == 400
    assert "1 to 1000 objects, this one 1001" in answer.json()["error"]["message"]
    assert space.rows("verdicts") == []


def test_a_report_may_leave_everything_out_and_carry_odd_values(space: Space) -> None:
    space.report()
    space.report(id="odd", event=42, user_id=7, outcome="invalid_payload", message_id=["x"], visitor_id=True)
    assert [row["outcome"] for row in space.rows("verdicts")][1] == "invalid_payload"
