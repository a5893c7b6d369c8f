"""The contract of a journal, whatever it is kept in: exchanges, and what a projector makes of them."""

import threading

import pytest
from field_builders import NOW
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_builders import Open, event, exchange, numbers, projected, reported

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import Judged, NewVerdict, Step
from optilocal.emulator.journal.store import JournalError

ODD = ["", "'; DROP TABLE events; --", "\x00", "a\x00b", "𝄞" * 50, "%_\\", "null", "\ud7ff\ue000", '"{}"']
odd = st.text(max_size=20) | st.sampled_from(ODD)


# -- exchanges


def test_exchanges_are_read_back_as_they_were_written(journal: Journal) -> None:
    given = [
        exchange(body=bytes([index]) * index, at=NOW + index, counts=index % 2 == 0) for index in range(150)
    ]
    assert journal.append(given[:1]) == 1
    assert journal.append(given[1:]) == journal.last_exchange() == 150
    found = journal.pending(0, 1_000)
    assert [each.number for each in found] == list(range(1, 151))
    assert [(each.at, each.counts, each.head, each.body) for each in found] == [
        (each.at, each.counts, each.head, each.body) for each in given
    ]
    assert [each.number for each in journal.pending(147, 2)] == [148, 149]


def test_what_was_appended_is_there_for_whoever_opens_the_store_next(open_journal: Open) -> None:
    first = open_journal()
    first.append([exchange(body=b"kept")])
    assert [each.body for each in open_journal().pending(0, 10)] == [b"kept"]


def test_numbers_follow_the_order_of_commits_whoever_writes(open_journal: Open) -> None:
    journals = [open_journal() for _ in range(3)]

    def write(journal: Journal, name: bytes) -> None:
        for _ in range(30):
            journal.append([exchange(body=name), exchange(body=name)])

    threads = [
        threading.Thread(target=write, args=(journal, str(index).encode()))
        for index, journal in enumerate(journals)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = journals[0].pending(0, 1_000)
    assert len(found) == 180
    assert [each.number for each in found] == sorted(each.number for each in found)
    # What was written together stands together.
    assert all(one.body == two.body for one, two in zip(found[::2], found[1::2], strict=True))


# -- the projector's steps


def test_a_step_is_written_once_and_only_where_it_was_worked_out(open_journal: Open) -> None:
    one, two = open_journal(), open_journal()
    one.append([exchange()])
    at = two.position()
    assert at == (0, 0, 0)
    step = Step(at, 1, 1, namespaces={"n": 1}, events=[event(1)])
    assert one.project(step)
    assert not two.project(step)
    assert two.position()[:2] == (1, 1)
    assert numbers(two, "events") == [1]


@pytest.mark.parametrize("what", ["reset", "restate", "erase"])
def test_what_changes_the_past_makes_a_step_void(open_journal: Open, what: str) -> None:
    one, two = open_journal(), open_journal()
    one.append([exchange()])
    step = Step(one.position(), 1, 1, namespaces={"n": 1}, events=[event(1)])
    if what == "reset":
        two.reset("n", [])
    elif what == "restate":
        two.transact("n", lambda _: None, restates=True)
    else:
        with two.erasing("n", "nobody"):
            pass
    assert not one.project(step)
    assert numbers(one, "events") == []


def test_a_journal_stays_whole_when_a_step_fails(journal: Journal) -> None:
    projected(journal, event(1))
    with pytest.raises(JournalError):
        projected(journal, event(2), event(1))
    assert numbers(journal, "events") == [1]
    assert journal.position().event == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(visitor=odd, uuid=odd, key=odd)
def test_any_text_is_kept_and_found(open_journal: Open, visitor: str, uuid: str, key: str) -> None:
    journal = open_journal()
    journal.reset("n", [])
    number = journal.position().event + 1
    projected(
        journal,
        event(number, visitor_id=visitor, uuid=uuid, key=key),
        visitors={("n", visitor, visitor): "{}"},
        verdicts=[NewVerdict("n", key, number, Judged("counted", "[]"))],
    )
    for filters in ({"visitor_id": visitor}, {"uuid": uuid}, {"event_key": key}):
        assert numbers(journal, "events", filters=filters) == [number]
        assert len(numbers(journal, "verdicts", filters=filters)) == 1
    assert journal.knows_visitor("n", visitor)
    [close] = journal.close_visitors([("n", visitor)])
    assert close == {"namespace": "n", "fold": visitor, "visitor_id": visitor}
    assert [row["number"] for row in journal.events_of([("n", visitor)])] == [number]
    assert [row["number"] for row in journal.first_events([("n", uuid, str(NOW))])] == [number]
    wanted = {"visitor_id": visitor, "event_key": key, "timestamp": str(NOW)}
    assert journal.free_conversion("n", uuid, wanted) == number
    journal.close()


def test_first_events_are_those_that_are_no_duplicates(journal: Journal) -> None:
    projected(
        journal,
        event(1, uuid="a"),
        event(2, uuid="a", duplicate_of=1),
        event(3, uuid="a", timestamp="7"),
        event(4, uuid="b"),
    )
    found = lambda *keys: [row["number"] for row in journal.first_events(keys)]  # noqa: E731 - one word for one look
    assert found(("n", "a", str(NOW))) == [1]
    assert found(("n", "a", None)) == [1, 3]
    assert found(("n", "b", str(NOW)), ("n", "a", "7"), ("m", "a", None)) == [3, 4]
    assert found() == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 255, 256, 257, 300])
def test_any_number_of_keys_finds_their_rows_and_no_others(journal: Journal, count: int) -> None:
    nobody = event(301, uuid=None, visitor_id=None, timestamp="7")
    projected(journal, *(event(n, visitor_id=f"u-{n}", kind="decision") for n in range(1, 301)), nobody)
    wanted = list(range(1, count + 1))
    uuids, visitors = [("n", f"c-{n}", None) for n in wanted], [("n", f"u-{n}") for n in wanted]
    assert sorted(row["number"] for row in journal.first_events(uuids)) == wanted
    assert sorted(row["number"] for row in journal.decisions_of(visitors)) == wanted
    assert sorted(row["number"] for row in journal.events_of(visitors)) == wanted
    assert sorted(row["number"] for row in journal.events(wanted)) == wanted


def test_events_of_visitors_come_with_their_verdicts_decisions_first(journal: Journal) -> None:
    projected(
        journal,
        event(1),
        event(2, kind="decision"),
        event(3, visitor_id="u-2"),
        event(4, namespace="other"),
        verdicts=[NewVerdict("n", "k", 1, Judged("counted", '["x"]'))],
    )
    found = list(journal.events_of([("n", "u-2"), ("n", "u-1"), ("n", "nobody")]))
    assert [(row["visitor_id"], row["number"]) for row in found] == [("u-1", 2), ("u-1", 1), ("u-2", 3)]
    assert (found[1]["outcome"], found[1]["attributed"], found[1]["delivery"]) == ("counted", '["x"]', None)
    assert found[2]["verdict"] is None
    asked = [("n", "u-2"), ("n", "u-1"), ("other", "u-1")]
    assert [row["number"] for row in journal.decisions_of(asked)] == [2]
    assert journal.decisions_of([]) == []
    assert journal.visitors("n", 4, "", 10) == ["u-1", "u-2"]
    assert journal.visitors("n", 2, "", 10) == ["u-1"]
    assert journal.visitors("n", 4, "u-1", 10) == ["u-2"]


def test_of_many_visitors_that_fold_alike_some_are_told(journal: Journal) -> None:
    spelt = [f"u-{number:02}" for number in range(30)]
    others = [("n", "v-1", "v"), ("m", "u-99", "u")]
    projected(journal, visitors=dict.fromkeys([*(("n", each, "u") for each in spelt), *others]))
    found = journal.close_visitors([("n", "u"), ("n", "v"), ("n", "w")])
    of_u = [row["visitor_id"] for row in found if row["fold"] == "u"]
    assert len(of_u) == 20
    assert set(of_u) <= set(spelt)
    assert [row["visitor_id"] for row in found if row["fold"] != "u"] == ["v-1"]


def test_stale_visitors_stay_until_they_are_settled(journal: Journal) -> None:
    keys = [("n", f"u-{index}", f"u{index}") for index in range(5)]
    projected(journal, event(1), visitors=dict.fromkeys(keys))
    assert sorted(journal.stale_visitors(10)) == keys
    assert len(journal.stale_visitors(2)) == 2
    projected(journal, visitors={key: "{}" for key in keys if key[1] != "u-3"})
    assert journal.stale_visitors(10) == [("n", "u-3", "u3")]


def test_a_known_visitor_comes_with_the_decisions_that_were_named(journal: Journal) -> None:
    known = {("n", "u-1", "u1"): '{"decisions": [2, 3]}', ("n", "u-2", "u2"): '{"decisions": []}'}
    projected(journal, *(event(number, kind="decision") for number in (1, 2, 3)), visitors=known)
    projected(journal, visitors={("n", "u-3", "u3"): None})
    keys = [*known, ("n", "u-3", "u3"), ("n", "nobody", "nobody"), ("m", "u-1", "u1")]
    rows = [(row["visitor_id"], row["known"], row["number"]) for row in journal.known_visitors(keys)]
    assert sorted(rows, key=str) == [
        ("u-1", '{"decisions": [2, 3]}', 2),
        ("u-1", '{"decisions": [2, 3]}', 3),
        ("u-2", '{"decisions": []}', None),
        ("u-3", None, None),
    ]


def test_totals_are_what_the_last_step_said(journal: Journal) -> None:
    assert journal.totals("n") is None
    projected(journal, event(1), totals={"n": "one", "m": "two"})
    projected(journal, event(2), totals={"n": "three"})
    assert (journal.totals("n"), journal.totals("m")) == ("three", "two")
    journal.transact("n", lambda _: None, restates=True)
    assert (journal.totals("n"), journal.totals("m")) == (None, "two")


def test_restating_has_everybody_judged_anew(journal: Journal) -> None:
    projected(
        journal,
        event(1),
        event(2, visitor_id=None),
        event(3, duplicate_of=1),
        visitors={("n", "u-1", "u1"): "{}"},
        verdicts=[NewVerdict("n", "k", number, Judged("counted", "[]")) for number in (1, 2, 3)],
    )
    number = journal.put_report("n", reported("9", uuid=None))
    projected(journal, judged={number: Judged("sent", "[]")})
    assert journal.unjudged(10) == []
    journal.transact("n", lambda _: None, restates=True)
    assert journal.stale_visitors(10) == [("n", "u-1", "u1")]
    assert sorted(row["event"] or 0 for row in journal.unjudged(10)) == [0, 2, 3]
