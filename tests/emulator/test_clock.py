"""Time: frozen, moved, running on, given back; and everything that reads it."""

import pytest
from field_builders import NOW, activation, batch, datafile, experiment, purchase
from hypothesis import given
from hypothesis import strategies as st
from space import Space

from optilocal.emulator.clock import ClockError, iso, namespace_time, parse_time


class FixedClock:
    """A system's clock that stands where the test put it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now


def test_a_frozen_clock_is_read_by_everything(space: Space) -> None:
    space.put_clock("2026-01-15T10:00:00Z")
    space.put_datafile()
    space.send(batch(purchase()))
    space.report(id="d-1")
    assert space.json("clock") == {
        "now": "2026-01-15T10:00:00.000Z",
        "now_ms": NOW,
        "set": True,
        "frozen": True,
    }
    assert space.rows("exchanges")[0]["at"] == NOW
    assert space.rows("events")[0]["received_at"] == NOW
    assert space.rows("datafiles")[0]["from"] == NOW
    assert space.rows("verdicts", q="d-1")[0]["delivery"]["received_at"] == NOW
    assert space.ask().json()["requested_at_time"] == "2026-01-15T10:00:00.000Z"
    assert space.get("/datafiles/sdk-1.json").headers["Last-Modified"] == "Thu, 15 Jan 2026 10:00:00 GMT"


def test_running_means_running_at_the_events_time(space: Space) -> None:
    space.put_clock("2026-01-15T09:00:00Z")
    space.put_datafile()
    space.put_clock("2026-01-15T11:00:00Z")
    space.put_datafile(datafile(revision="2", experiments=[experiment("checkout", "Paused")]))
    late = NOW + 2 * 3_600_000
    space.send(batch(activation(), purchase(), purchase(uuid="c-2", timestamp=late)))
    assert [row["outcome"] for row in space.rows("verdicts")] == ["counted", "experiment_not_running"]


def test_a_clock_can_be_set_and_run_on(space: Space) -> None:
    space.call("PUT", "/_emulator/clock", json={"now": "2026-01-15T11:00:00+01:00", "frozen": False})
    first = space.json("clock")
    assert (first["frozen"], first["now_ms"] >= NOW) == (False, True)
    assert first["now_ms"] < NOW + 60_000


def test_the_time_is_given_back(space: Space) -> None:
    space.put_clock("2001-01-01T00:00:00Z")
    answer = space.call("DELETE", "/_emulator/clock").json()
    assert answer["set"] is False
    assert answer["now_ms"] > NOW


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"now": "noon"}',
        '{"now": "2026-01-15T10:00:00"}',
        '{"now": true}',
        '{"now": -1}',
        '{"now": 1e99}',
        '{"now": "9999-12-31T23:59:59Z"}',
        '{"now": "0001-01-01T00:00:00+05:00"}',
        '{"now": 1, "speed": 2}',
        '{"now": "2026-01-15T10:00:00Z", "frozen": "no"}',
    ],
)
def test_a_time_that_cannot_be_is_refused(space: Space, body: str) -> None:
    answer = space.call("PUT", "/_emulator/clock", data=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_clock")


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_is_read_as_it_was_written(ms: int) -> None:
    assert parse_time(iso(ms)) == ms == parse_time(ms)


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(0, 10**9))
def test_a_clock_that_runs_on_moves_with_the_system(now: int, set_at: int, later: int) -> None:
    system = FixedClock(set_at + later)
    assert namespace_time(system, {"now": now, "set_at": set_at, "frozen": False}) == now + later
    assert namespace_time(system, {"now": now, "set_at": set_at, "frozen": True}) == now
    assert namespace_time(system, None) == set_at + later


def test_a_time_zone_is_asked_for() -> None:
    with pytest.raises(ClockError, match="zone"):
        parse_time("2026-01-15 10:00")


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00Z", "9998-12-31T23:59:59Z", 253_370_764_799_999])
def test_at_either_end_of_time_everything_still_works(space: Space, now: str | int) -> None:
    assert space.call("PUT", "/_emulator/clock", json={"now": now}).status_code == 200
    space.put_datafile()
    assert space.get("/datafiles/sdk-1.json").status_code == 200
    assert space.send(batch(activation(), purchase())).status_code == 204
    number = space.ask(request_type="access").json()["id"]
    assert space.process(number, status="completed")["expired_at_time"]
    assert len(space.rows("verdicts")) == 1
