"""Judging in the background: outcomes are there before anybody asks, whatever the order, and stopping harms nothing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from field_builders import NOW, SECOND, activation, batch, conversion, datafile, decision, purchase
from hypothesis import given, settings
from hypothesis import strategies as st
from space import Space
from verdict_builders import delivery

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.store import DatafileStore, read_given
from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.query import Query
from optilocal.emulator.json_text import dumps
from optilocal.emulator.projection.judge import Judge
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

EXCHANGE = {"surface": "events", "method": "POST", "status": 204, "at": NOW}


def journal_of(server: EmulatorServer) -> Journal:
    parts = server._context
    assert parts is not None
    return parts.journal


def stored(journal: Journal, outcome: str) -> int:
    """How many rows have the outcome, as they are stored: nothing is judged for this."""
    return journal.count("verdicts", Query("n", filters={"outcome": outcome}), 1_000_000)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came about"


def test_outcomes_are_there_before_anybody_asks() -> None:
    with EmulatorServer(Settings(port=0)) as server, requests.Session() as session:
        space, journal = Space(server.base_url, "n", session), journal_of(server)
        space.put_datafile()
        space.send(batch(purchase()))
        until(lambda: stored(journal, "user_not_activated") == 1)
        space.send(batch(activation()))
        until(lambda: stored(journal, "counted") == 1)
        removed = [{**event, "experimentIds": []} for event in datafile()["events"]]
        space.put_datafile(datafile(revision="2", events=removed))
        until(lambda: stored(journal, "no_experiment") == 1)
        assert not journal.select("stale")


def test_odd_visitors_are_judged_too() -> None:
    with EmulatorServer(Settings(port=0)) as server, requests.Session() as session:
        space, journal = Space(server.base_url, "n", session), journal_of(server)
        space.put_datafile()
        odd = ["\ud800", "\x00", "", "'; --", "𝄞" * 50]
        for number, visitor in enumerate(odd):
            space.send(batch(purchase(visitor, uuid=f"c-{number}")))
        space.send(batch(purchase("last", uuid="last")))
        journal.catch_up()
        until(lambda: not journal.select("stale"))
        assert journal.count("verdicts", Query("n"), 100) == len(odd) + 1


def make(journal: Journal) -> Judge:
    DatafileStore(journal, "n").put("sdk-1", read_given(dumps(datafile()), raw=False), 0)
    return Judge(journal, Rules())


def arrive(journal: Journal, step: str) -> None:
    """One thing that arrives, by its name."""
    kind, visitor, second = step.split()
    at = NOW + int(second) * SECOND
    if kind == "report":
        named: dict[str, Any] = {"user_id": "u-1"}
        if visitor == "u-2":
            named = {"user_id": None, "anonymous_id": visitor, "source_event": {}}
        report = delivery(id=step, message_id=f"convert {visitor} {second}", visitor_id=visitor, **named)
        journal.put_delivery("n", report, uuid=f"convert {visitor} {second}", sent=True, timestamp=at)
        return
    made = decision(visitor, "checkout-a", at) if kind == "decide" else conversion(visitor, at=at)
    journal.append("n", EXCHANGE, b"", [{**made, "uuid": step}])


STEPS = [
    f"{kind} {visitor} {second}"
    for kind in ("decide", "convert", "report")
    for visitor in ("u-1", "u-2")
    for second in (0, 2)
]


def outcomes(judge: Judge) -> dict[Any, Any]:
    """uuid → stored outcome and credits, each held against the whole verdict."""
    found = {}
    for row in judge.journal.rows("verdicts", Query("n", limit=1000)):
        told = judge.verdict(row)
        for name in ("outcome", *({"experiment"} if told["attributed_to"] else ())):
            value = told["outcome"] if name == "outcome" else '["checkout"]'
            assert row in judge.journal.rows("verdicts", Query("n", limit=1000, filters={name: value}))
        found[told["uuid"]] = (told["outcome"], [place["variation"] for place in told["attributed_to"]])
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(STEPS), unique=True, max_size=9).flatmap(
        lambda steps: st.tuples(st.just(steps), st.permutations(steps))
    ),
    st.lists(st.integers(0, 2), min_size=9, max_size=9),
)
def test_neither_order_of_arrival_nor_judging_in_between_matters(
    orders: tuple[list[str], list[str]], judged: list[int]
) -> None:
    found = []
    for order, slices in zip(orders, ([0] * 9, judged), strict=True):
        journal = Journal()
        try:
            judge = make(journal)
            for step, most in zip(order, slices, strict=False):
                arrive(journal, step)
                if most:
                    judge.refresh_some(None, most)
            judge.refresh(None)
            assert judge.refresh_some(None, 10) == 0
            found.append(outcomes(judge))
        finally:
            journal.close()
    assert found[0] == found[1]


def test_only_a_decision_that_may_change_something_has_conversions_judged_anew() -> None:
    journal = Journal()
    try:
        judge = make(journal)
        arrive(journal, "decide u-1 2")
        arrive(journal, "convert u-1 2")
        judge.refresh(None)
        arrive(journal, "decide u-1 4")
        assert judge.refresh_some(None, 10) == 1, "the visitor is looked at, no row is judged"
        arrive(journal, "decide u-1 0")
        assert judge.refresh_some(None, 10) == 2, "an earlier decision may change where the conversion counts"
        assert judge.refresh_some(None, 10) == 0
    finally:
        journal.close()


def test_a_dropped_decision_has_what_it_counted_judged_anew() -> None:
    journal = Journal(max_rows=4)
    try:
        judge = make(journal)
        arrive(journal, "decide u-1 0")
        arrive(journal, "convert u-1 2")
        judge.refresh(None)
        assert stored(journal, "counted") == 1
        for second in (4, 6, 8):
            arrive(journal, f"convert u-1 {second}")
        judge.refresh(None)
        assert (stored(journal, "counted"), stored(journal, "user_not_activated")) == (0, 4)
    finally:
        journal.close()


def test_results_are_counted_before_anybody_asks() -> None:
    journal = Journal()
    try:
        judge = make(journal)
        for start in range(0, 2_500, 500):
            rows = [conversion(f"u-{n % 50}", uuid=f"c-{n}") for n in range(start, start + 500)]
            journal.append("n", EXCHANGE, b"", rows)
        journal.append("n", EXCHANGE, b"", [decision(f"u-{n}", "checkout-a") for n in range(50)])
        events: list[str] = []
        judge.count_ahead(lambda: events.append("one"))
        assert len(events) == 2_550
        judge.count_ahead(lambda: events.append("again"))
        assert len(events) == 2_550
        counted = judge.results("n")["experiments"]["checkout"]["variations"]["a"]
        assert (counted["visitors"], counted["metrics"]["Order Completed"]["total"]) == (50, 2_500)
        assert judge.results("n") == Judge(journal, Rules()).results("n")
    finally:
        journal.close()


def test_counting_that_is_broken_off_leaves_nothing_half_counted() -> None:
    journal = Journal()
    try:
        judge = make(journal)
        rows = [conversion(f"u-{n % 50}", uuid=f"c-{n}") for n in range(2_500)]
        journal.append("n", EXCHANGE, b"", [decision(f"u-{n}", "checkout-a") for n in range(50)] + rows)
        left = [None] * 7
        with pytest.raises(IndexError):
            judge.count_ahead(left.pop)
        assert judge.results("n") == Judge(journal, Rules()).results("n")
    finally:
        journal.close()


def test_stopping_while_it_judges_leaves_a_sound_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    many = 4_000
    with EmulatorServer(Settings(port=0, journal=path)) as server, requests.Session() as session:
        space, journal = Space(server.base_url, "n", session), journal_of(server)
        space.put_datafile()
        space.send(batch(activation()))
        for start in range(0, many, 1_000):
            conversions = [purchase(uuid=f"c-{number}") for number in range(start, start + 1_000)]
            assert space.send(batch(*conversions)).status_code == 204
        until(lambda: stored(journal, "counted") > 0)
    kept = Journal(path)
    try:
        assert kept.whole()
        assert 0 < stored(kept, "counted") <= many
        Judge(kept, Rules()).refresh(None)
        assert stored(kept, "counted") == many
    finally:
        kept.close()


def test_results_of_a_full_journal_say_how_far_behind_they_are_and_catch_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("optilocal.emulator.projection.judge._LARGE", 20)
    monkeypatch.setattr("optilocal.emulator.projection.judge._WORTH_COUNTING", 1)
    journal = Journal(max_rows=100)
    try:
        judge = make(journal)

        def decide(numbers: range) -> None:
            for number in numbers:
                row = decision(f"u-{number}", "checkout-a", NOW)
                journal.append("n", EXCHANGE, b"", [{**row, "uuid": f"d-{number}"}])

        def visitors() -> int:
            counted = judge.results("n")["experiments"]["checkout"]["variations"]["a"]["visitors"]
            assert isinstance(counted, int)
            return counted

        decide(range(90))
        assert visitors() == 90
        assert "behind" not in judge.results("n")
        decide(range(90, 150))
        assert (visitors(), judge.results("n")["behind"]) == (90, 60)
        judge.count_ahead(lambda: None)
        assert visitors() == 100
        assert "behind" not in judge.results("n")
    finally:
        journal.close()
