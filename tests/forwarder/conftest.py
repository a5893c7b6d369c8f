"""What the tests of the platform share: a stand-in for Optimizely's hosts, a still clock, a forwarder in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from in_process import InProcess
from optimizely_double import DATAFILE_URL, NOON, OptimizelyDouble
from pair import SHOP, Pair
from segment_side import SegmentSide

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings as EmulatorSettings
from optilocal.forwarder.clock import Clock, ManualClock
from optilocal.forwarder.destination.destination import Settings
from optilocal.forwarder.http.request_client import sending_client
from optilocal.forwarder.http.session import HttpSession
from optilocal.forwarder.pipeline.reporting import DeliveryReporter
from optilocal.forwarder.server import ForwarderServer
from optilocal.forwarder.settings import ServerSettings


@pytest.fixture
def double() -> Iterator[OptimizelyDouble]:
    """Optimizely's hosts, as far as the forwarder calls them."""
    server = OptimizelyDouble()
    yield server
    server.close()


@pytest.fixture
def clock() -> ManualClock:
    """Noon of a quiet day, until moved."""
    return ManualClock(NOON)


@pytest.fixture
def make_forwarder(double: OptimizelyDouble, clock: ManualClock) -> Iterator[Callable[..., InProcess]]:
    """Makes forwarders in front of the stand-in; any argument of `InProcess` can be given."""
    session = HttpSession()

    def make(settings: dict[str, Any] | None = None, **arguments: Any) -> InProcess:
        numbers = itertools.count(1)
        chosen = settings if settings is not None else {"accountId": "12001", "dataFileUrl": DATAFILE_URL}
        usual: dict[str, Any] = {
            "client": sending_client(session, double.url, clock),
            "reporter": DeliveryReporter(session, double.url),
            "clock": clock,
            "random": Random(1),
            "ids": lambda: f"id-{next(numbers)}",
        }
        return InProcess(Settings(chosen), **{**usual, **arguments})

    yield make
    session.close()


@pytest.fixture
def order_completed() -> dict[str, Any]:
    """A track event as Segment's libraries send it."""
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": "u-1",
        "anonymousId": "anon-1",
        "messageId": "m-1",
        "timestamp": "2026-01-15T12:00:00.000Z",
        "properties": {"revenue": 4999, "value": 49.99, "coupon": "X"},
        "context": {"traits": {"plan": "gold"}, "library": {"name": "analytics.js", "version": "1"}},
        "integrations": {},
    }


@pytest.fixture(scope="module")
def shared_forwarder() -> Iterator[InProcess]:
    """A forwarder with a stand-in behind it, for a whole module's generated events."""
    server = OptimizelyDouble()
    numbers, session, clock = itertools.count(1), HttpSession(), ManualClock(NOON)
    forwarder = InProcess(
        Settings({"accountId": "12001", "dataFileUrl": DATAFILE_URL}),
        client=sending_client(session, server.url, clock),
        reporter=DeliveryReporter(session, server.url),
        clock=clock,
        random=Random(1),
        ids=lambda: f"id-{next(numbers)}",
    )
    yield forwarder
    session.close()
    server.close()


@pytest.fixture
def make_server(double: OptimizelyDouble) -> Iterator[Callable[..., SegmentSide]]:
    """Starts forwarders in front of the stand-in; any field of `ServerSettings`, and a `clock`, can be given."""
    started: list[ForwarderServer] = []

    def make(clock: Clock | None = None, **settings: Any) -> SegmentSide:
        chosen = {"port": 0, "optimizely": double.url, **settings}
        server = ForwarderServer(ServerSettings(**chosen), clock).start()
        started.append(server)
        return SegmentSide(server.base_url, server)

    yield make
    for one in started:
        one.stop()


@pytest.fixture
def segment(make_server: Callable[..., SegmentSide]) -> SegmentSide:
    """A running forwarder with its usual settings."""
    return make_server()


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(EmulatorSettings(port=0)) as server:
        yield server


@pytest.fixture
def pair(emulator: EmulatorServer, request: pytest.FixtureRequest) -> Iterator[Pair]:
    name = f"pair-{abs(hash(request.node.name))}"
    clock = ManualClock(NOON)
    with ForwarderServer(ServerSettings(port=0, optimizely=emulator.base_url), clock) as server:
        found = Pair(
            SegmentSide(f"{server.base_url}/ns/{name}", server), f"{emulator.base_url}/ns/{name}", clock
        )
        found.call("PUT", "/_emulator/datafiles/shop", json.loads(SHOP.read_text()))
        settings = {"accountId": "12001", "dataFileUrl": "https://cdn.optimizely.com/datafiles/shop.json"}
        assert found.segment.put("/_forwarder/settings", {**settings, "accessToken": "pat-1"}).ok
        yield found
