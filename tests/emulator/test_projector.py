"""The projector: the same events, verdicts and counts in whatever order, slices and processes they are made."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from field_builders import NOW, SECOND, activation, batch, datafile, purchase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_builders import convert, decide, exchange
from plain_counting import totals
from postgresql_server import PostgresqlServer
from space import Space
from verdict_builders import delivery

from optilocal.emulator.control.deliveries import as_kept
from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.datafile.store import DatafileStore, read_content
from optilocal.emulator.journal.journal import open_journal
from optilocal.emulator.journal.records import Query
from optilocal.emulator.json_text import dumps, loads
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts, event_json
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


def made(where: Path | str | None = None, rules: Rules = Rules(), **options: Any) -> Projector:  # noqa: B008 - frozen
    journal = open_journal(where, **({"max_rows": 1_000_000} | options))
    if not journal.knows_namespace("n"):
        DatafileStore(journal, "n").put("sdk-1", read_content(dumps(datafile()), raw=False), 0)
    return Projector(journal, Verdicts(journal, rules))


@pytest.fixture
def projector() -> Iterator[Projector]:
    found = made()
    yield found
    found.journal.close()


def arrive(projector: Projector, step: str) -> None:
    """One thing that arrives, by its name."""
    kind, visitor, second = step.split()
    at = NOW + int(second) * SECOND
    if kind == "report":
        named: dict[str, Any] = {"user_id": "u-1"}
        if visitor == "u-2":
            named = {"user_id": None, "anonymous_id": visitor, "source_event": {}}
        sent = batch(convert(visitor, at, uuid=f"convert {visitor} {second}"))
        report = delivery(
            id=step,
            message_id=f"convert {visitor} {second}",
            visitor_id=visitor,
            requests=[{"to": "events", "json": sent}],
            **named,
        )
        projector.journal.put_report("n", as_kept(report))
        return
    one = decide(visitor, at) if kind == "decide" else convert(visitor, at, uuid=step)
    projector.journal.append([exchange(one)])


STEPS = [
    f"{kind} {visitor} {second}"
    for kind in ("decide", "convert", "report")
    for visitor in ("u-1", "u-2")
    for second in (0, 2)
]


def outcomes(projector: Projector) -> dict[Any, Any]:
    """uuid → stored outcome and credits, each held against the whole verdict."""
    projector.catch_up()
    found, journal = {}, projector.journal
    for row in journal.rows("verdicts", Query("n", limit=1000)):
        told = projector.verdicts.verdict(row)
        for name in ("outcome", *({"experiment"} if told["attributed_to"] else ())):
            value = told["outcome"] if name == "outcome" else '["checkout"]'
            assert row in journal.rows("verdicts", Query("n", limit=1000, filters={name: value}))
        found[told["uuid"]] = (told["outcome"], [place["variation"] for place in told["attributed_to"]])
    return found


def counted_at_once(projector: Projector) -> Any:
    """What all that is stored comes to when it is counted from nothing."""
    stored = projector.journal.rows("events", Query("n", limit=10_000))
    # A replay stays one when the bound has dropped what it repeats.
    rows: Any = [event_json(row) for row in stored if row["duplicate_of"] is None]
    history = projector.verdicts.history("n")
    return totals(rows, history, projector.rules).results(history)


orders = st.lists(st.sampled_from(STEPS), unique=True, max_size=9).flatmap(
    lambda steps: st.tuples(st.just(steps), st.permutations(steps))
)


@settings(max_examples=40, deadline=None)
@given(orders, st.lists(st.booleans(), min_size=9, max_size=9), st.sampled_from([1, 3, 256]))
def test_neither_order_of_arrival_nor_slices_matter(
    steps: tuple[list[str], list[str]], pauses: list[bool], slice_: int
) -> None:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for order, projects in zip(steps, ([False] * 9, pauses), strict=True):
            projector = made()
            try:
                for step, now in zip(order, projects, strict=False):
                    arrive(projector, step)
                    if now:
                        projector.catch_up()
                found.append(outcomes(projector))
                assert projector.results("n") == counted_at_once(projector)
            finally:
                projector.journal.close()
            patch.setattr("optilocal.emulator.projection.projector.SLICE", slice_)
    assert found[0] == found[1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1)), max_size=14))
def test_two_processes_change_nothing(steps: list[tuple[str, int]]) -> None:
    one = made()
    two = made(one.journal.path)  # type: ignore[attr-defined]
    try:
        for step, who in steps:
            arrive(one, step)
            (one, two)[who].catch_up()
            assert (two, one)[who].results("n") == counted_at_once(one)
        assert outcomes(one) == outcomes(two)
    finally:
        two.journal.close()
        one.journal.close()


@pytest.fixture
def stores(postgresql: PostgresqlServer, schema: str, tmp_path: Path) -> Iterator[list[list[Projector]]]:
    """A file, a database with one emulator, and a database with three."""
    urls = [postgresql.url(f"{schema}_{name}") for name in ("one", "three")]
    found = [[made(tmp_path / "journal")], [made(urls[0])], [made(urls[1]) for _ in range(3)]]
    yield found
    for each in found:
        for projector in each:
            projector.journal.close()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.booleans()), max_size=14))
def test_any_store_and_any_number_of_emulators_come_to_the_same(
    stores: list[list[Projector]], steps: list[tuple[str, int, bool]]
) -> None:
    found: list[Any] = []
    for projectors in stores:
        projectors[0].journal.reset("n", [])
        for step, who, asks in steps:
            arrive(projectors[who % len(projectors)], step)
            if asks:
                projectors[-who % len(projectors)].catch_up()
        found += [(outcomes(each), each.results("n")) for each in projectors]
        assert found[-1][1] == counted_at_once(projectors[0])
    assert all(each == found[0] for each in found)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=40), st.sampled_from([1, 4, 9]))
def test_what_the_bound_drops_no_longer_counts(steps: list[str], most: int) -> None:
    projector = made(max_rows=most)
    try:
        for step in steps:
            arrive(projector, step)
            projector.catch_up()
            assert len(projector.journal.rows("events", Query("n"))) <= most
            assert projector.results("n") == counted_at_once(projector)
        outcomes(projector)
    finally:
        projector.journal.close()


def test_a_bound_by_bytes_keeps_bodies_below_it_and_what_is_dropped_no_longer_counts() -> None:
    projector = made(max_bytes=3_000)
    try:
        sizes: dict[int, int] = {}
        for second in range(12):
            arrive(projector, f"{('decide', 'convert')[second % 2]} u-1 {second}")
            projector.catch_up()
            kept = projector.journal.rows("exchanges", Query("n"))
            sizes |= {row["number"]: len(row["body"]) for row in kept}
            total = sum(sizes[row["number"]] for row in kept)
            assert total <= 3_000 < total + sizes.get(kept[0]["number"] - 1, 3_000)
            events = projector.journal.rows("events", Query("n"))
            assert {row["exchange"] for row in events} == {row["number"] for row in kept}
            assert projector.results("n") == counted_at_once(projector)
        assert projector.journal.ends("exchanges", "n").dropped > 0
    finally:
        projector.journal.close()


def test_a_new_datafile_has_everything_judged_and_counted_anew(projector: Projector) -> None:
    for step in ("decide u-1 0", "convert u-1 2", "convert u-2 2", "report u-2 2"):
        arrive(projector, step)
    assert {outcome for outcome, _ in outcomes(projector).values()} == {"counted", "unidentified_user"}
    removed = [{**event, "experimentIds": []} for event in datafile()["events"]]
    new = read_content(dumps(datafile(revision="2", events=removed)), raw=False)
    DatafileStore(projector.journal, "n").put("sdk-1", new, 0)
    assert {outcome for outcome, _ in outcomes(projector).values()} == {"no_experiment"}
    assert projector.results("n") == counted_at_once(projector)


def test_other_rules_have_everything_judged_and_counted_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = made(path)
    first.journal.append([exchange(decide(), convert(), body=None)])
    bot = {"id": "$opt_user_agent", "entity_id": "$opt_user_agent", "type": "custom", "value": "Googlebot"}
    sent = {**decide("bot"), "attributes": [{**bot, "key": "$opt_user_agent"}]}
    first.journal.append([exchange(sent, convert("bot"))])
    before = outcomes(first)
    first.journal.close()
    second = made(path, Rules(bot_filtering=True))
    after = outcomes(second)
    assert (before["c-bot-1768471201000"][0], after["c-bot-1768471201000"][0]) == ("counted", "excluded")
    assert second.results("n") == counted_at_once(second)
    second.journal.close()


def test_a_visitors_later_decision_has_only_its_own_conversions_judged_anew(projector: Projector) -> None:
    for step in ("decide u-1 2", "convert u-1 2", "convert u-2 2"):
        arrive(projector, step)
    projector.catch_up()
    arrive(projector, "decide u-1 4")
    projector.catch_up()
    assert projector.journal.stale_visitors(5) == []
    assert outcomes(projector)["convert u-1 2"][0] == "counted"
    arrive(projector, "decide u-2 0")
    assert outcomes(projector)["convert u-2 2"][0] == "counted"


def test_values_are_summed_exactly_and_taken_out_exactly() -> None:
    projector = made(max_rows=2)
    try:
        projector.journal.append([exchange(decide("keep"))])
        for number in range(40):
            projector.journal.append([exchange(convert("keep", uuid=f"c-{number}", value=0.1))])
            projector.catch_up()
        assert projector.results("n") == counted_at_once(projector)
    finally:
        projector.journal.close()


def test_a_dropped_exchange_was_projected_before() -> None:
    projector = made(max_rows=3)
    try:
        for number in range(20):
            projector.journal.append([exchange(convert(f"u-{number}"))])
        projector.catch_up()
        assert projector.journal.ends("events", "n").dropped == 17
        assert projector.journal.ends("exchanges", "n").dropped == 17
    finally:
        projector.journal.close()


def test_what_was_acknowledged_and_not_projected_is_projected_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = made(path)
    for number in range(600):
        first.journal.append([exchange(convert(f"u-{number}"))])
        if number == 100:
            first.catch_up()
    first.journal.close()
    second = made(path)
    assert second.journal.count("events", Query("n"), 1_000) < 600
    second.catch_up()
    assert [
        loads(row["doc"])["visitor_id"] for row in second.journal.rows("events", Query("n", limit=1_000))
    ] == [f"u-{number}" for number in range(600)]
    second.journal.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came about"


def test_outcomes_are_there_before_anybody_asks() -> None:
    with EmulatorServer(Settings(port=0)) as server, requests.Session() as session:
        space, parts = Space(server.base_url, "n", session), server._context
        assert parts is not None

        def stored(outcome: str) -> int:
            return parts.journal.count("verdicts", Query("n", filters={"outcome": outcome}), 1_000_000)

        space.put_datafile()
        space.send(batch(purchase()))
        until(lambda: stored("user_not_activated") == 1)
        space.send(batch(activation()))
        until(lambda: stored("counted") == 1)
        removed = [{**event, "experimentIds": []} for event in datafile()["events"]]
        space.put_datafile(datafile(revision="2", events=removed))
        until(lambda: stored("no_experiment") == 1)


def test_odd_visitors_are_judged_too(projector: Projector) -> None:
    odd = ["\x00", "", "'; --", "𝄞" * 50, None, 7, []]
    for number, visitor in enumerate(odd):
        sent = json.dumps(batch(purchase(visitor, uuid=f"c-{number}")))  # type: ignore[arg-type]
        projector.journal.append([exchange(body=sent.encode())])
    projector.journal.append([exchange(body=sent.replace("[]", '"\\ud800"').encode())])
    projector.catch_up()
    assert projector.journal.unjudged(10) == []
    assert projector.journal.count("verdicts", Query("n"), 100) == len(odd) + 1


def test_stopping_while_it_works_leaves_a_sound_journal(tmp_path: Path) -> None:
    path, many = tmp_path / "journal.sqlite", 4_000
    with EmulatorServer(Settings(port=0, journal=path)) as server, requests.Session() as session:
        space = Space(server.base_url, "n", session)
        space.put_datafile()
        space.send(batch(activation()))
        for start in range(0, many, 1_000):
            conversions = [purchase(uuid=f"c-{number}") for number in range(start, start + 1_000)]
            assert space.send(batch(*conversions)).status_code == 204
    kept = made(path)
    try:
        assert kept.journal.is_sound()
        kept.catch_up()
        assert kept.journal.count("verdicts", Query("n", filters={"outcome": "counted"}), many) == many
    finally:
        kept.journal.close()
