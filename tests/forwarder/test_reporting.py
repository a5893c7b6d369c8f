"""Telling the emulator: one report at once, those that came meanwhile together, in their order, and none lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from optimizely_double import NOON, Answer, OptimizelyDouble
from segment_side import SegmentSide

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings as EmulatorSettings
from optilocal.forwarder.clock import ManualClock
from optilocal.forwarder.http.session import HttpSession
from optilocal.forwarder.pipeline.delivery import Delivery
from optilocal.forwarder.pipeline.reporting import DeliveryReporter

Make = Callable[..., SegmentSide]
REPORTS = "/_emulator/deliveries"
JSON = {"content-type": "application/json"}


def batch(start: int, count: int) -> dict[str, Any]:
    event = {"type": "track", "event": "Order Completed", "userId": "u-1"}
    return {"batch": [{**event, "messageId": f"m-{number}"} for number in range(start, start + count)]}


def uuids(double: OptimizelyDouble) -> list[str]:
    """The events that arrived, in their order."""
    sent = [json.loads(one.body)["visitors"][0]["snapshots"][0]["events"] for one in double.to("/v1/events")]
    return [str(events[0]["uuid"]) for events in sent]


def reported(reporter: DeliveryReporter, *texts: str) -> list[tuple[bool, int | None]]:
    """Whether each report is told for good, and the emulator's number of it."""
    deliveries = reporter.report([Delivery({}) for _ in texts], texts)
    return [(delivery.reported, delivery.number) for delivery in deliveries]


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with HttpSession() as opened:
        yield opened


class TestReporter:
    def test_one_goes_alone_and_several_in_one_list(
        self, session: HttpSession, double: OptimizelyDouble
    ) -> None:
        double.next(REPORTS, Answer(201, '{"number": 7}', JSON), Answer(201, '{"numbers": [8, 9]}', JSON))
        reporter = DeliveryReporter(session, f"{double.url}/ns/blue/")
        assert reported(reporter, '{"id":"a"}') == [(True, 7)]
        assert reported(reporter, '{"id":"b"}', '{"id":"c"}') == [(True, 8), (True, 9)]
        assert [one.path for one in double.received] == [f"/ns/blue{REPORTS}"] * 2
        assert [one.json for one in double.received] == [{"id": "a"}, [{"id": "b"}, {"id": "c"}]]

    def test_of_a_refused_list_each_is_told_alone(
        self, session: HttpSession, double: OptimizelyDouble
    ) -> None:
        refused = Answer(400, '{"error": {}}', JSON)
        double.next(REPORTS, refused, Answer(201, '{"number": 1}', JSON), refused, Answer(503))
        reporter = DeliveryReporter(session, double.url)
        # What is refused for good is told as far as it can be; what the emulator could not take is not.
        assert reported(reporter, '{"id":"a"}', '{"id":"b"}', '{"id":"c"}') == [
            (True, 1),
            (True, None),
            (False, None),
        ]
        assert [one.json["id"] for one in double.received[1:]] == ["a", "b", "c"]

    @pytest.mark.parametrize("body", ["", "no JSON", "[]", '{"numbers": [1]}', '{"numbers": "x"}'])
    def test_an_answer_without_numbers_is_an_answer(
        self, session: HttpSession, double: OptimizelyDouble, body: str
    ) -> None:
        double.next(REPORTS, Answer(201, body, JSON))
        assert reported(DeliveryReporter(session, double.url), "{}", "{}") == [(True, None)] * 2

    @pytest.mark.parametrize("answer", [Answer(503), Answer(broken="hang_up"), Answer(broken="truncate")])
    def test_what_is_not_answered_is_still_to_be_told(
        self, session: HttpSession, double: OptimizelyDouble, answer: Answer
    ) -> None:
        double.next(REPORTS, answer)
        assert reported(DeliveryReporter(session, double.url), "{}", "{}") == [(False, None)] * 2


class TestQueue:
    def test_reports_that_come_while_one_is_under_way_go_together(
        self, make_server: Make, double: OptimizelyDouble
    ) -> None:
        gate = double.gates[REPORTS] = threading.Event()
        segment = make_server(workers=2)
        segment.post("/v1/batch", batch(0, 1))
        double.wait_for(REPORTS)
        segment.post("/v1/batch", batch(1, 40))
        double.wait_for("/v1/events", 41)
        assert len(double.reports()) == 1
        gate.set()
        segment.ended(41)
        told = [report["message_id"] for report in double.reports()]
        assert sorted(told) == sorted(f"m-{number}" for number in range(41))
        assert len(double.to(REPORTS)) < 41

    def test_a_moment_without_emulator_loses_no_report(
        self, make_server: Make, double: OptimizelyDouble
    ) -> None:
        double.next(REPORTS, Answer(503), Answer(broken="hang_up"))
        segment = make_server()
        segment.post("/v1/batch", batch(0, 30))
        segment.ended(30)
        assert {report["message_id"] for report in double.reports()} == {
            f"m-{number}" for number in range(30)
        }
        assert len(double.to("/v1/events")) == 30

    def test_a_stop_tells_what_was_sent(self, make_server: Make, double: OptimizelyDouble) -> None:
        gate = double.gates[REPORTS] = threading.Event()
        segment = make_server()
        segment.post("/v1/batch", batch(0, 20))
        double.wait_for("/v1/events", 20)
        stopping = threading.Thread(target=segment.server.stop)
        stopping.start()
        gate.set()
        stopping.join()
        assert len({report["id"] for report in double.reports()}) == 20

    def test_the_emulator_numbers_each(self, make_server: Make) -> None:
        with EmulatorServer(EmulatorSettings(port=0)) as emulator:
            segment = make_server(optimizely=emulator.base_url)
            segment.post("/v1/batch", batch(0, 30))
            rows = segment.deliveries(30, state="ended")
            assert sorted(row["number"] for row in rows) == list(range(1, 31))


def test_many_events_that_wait_are_sent_in_the_order_in_which_they_came(
    make_server: Make, double: OptimizelyDouble
) -> None:
    gate = double.gates["/datafiles/"] = threading.Event()
    segment = make_server(workers=1)
    for start in (0, 200, 400):
        segment.post("/v1/batch", batch(start, 200))
    gate.set()
    double.wait_for("/v1/events", 600)
    assert uuids(double) == [f"m-{number}" for number in range(600)]


def test_a_retry_whose_time_has_come_goes_before_what_comes_later(
    make_server: Make, double: OptimizelyDouble
) -> None:
    double.next("/v1/events", Answer(503))
    clock = ManualClock(NOON)
    segment = make_server(clock, workers=1)
    segment.post("/v1/batch", batch(0, 1))
    double.wait_for(REPORTS)
    segment.deliveries(state="pending", outcome="pending")
    gate = double.gates["/datafiles/"] = threading.Event()
    segment.post("/v1/batch", batch(1, 10))
    double.wait_for("/datafiles/", 2)
    clock.advance(2)
    segment.post("/v1/batch", batch(11, 10))
    gate.set()
    double.wait_for("/v1/events", 22)
    assert uuids(double)[:1] + uuids(double)[11:12] == ["m-0", "m-0"]
    assert uuids(double)[1:11] + uuids(double)[12:] == [f"m-{number}" for number in range(1, 21)]
