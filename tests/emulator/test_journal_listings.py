"""The contract of a journal, whatever it is kept in: reports and their verdicts, and what is listed."""

import pytest
from field_builders import NOW
from journal_builders import Open, event, exchange, numbers, projected, reported

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import FILTERS, LISTINGS, Judged, NewVerdict, Query, Step

# -- reports and their verdicts


def test_a_report_with_a_known_id_replaces_and_keeps_its_number(journal: Journal) -> None:
    first, second = journal.put_report("n", reported("1")), journal.put_report("n", reported("2"))
    assert second > first
    assert journal.put_report("n", reported("1", message_id="new")) == first
    assert numbers(journal, "verdicts") == [first, second]
    assert numbers(journal, "verdicts", filters={"message_id": "new"}) == [first]
    assert journal.put_report("m", reported("1")) > second


def test_an_outcome_of_a_replaced_report_is_not_stored(journal: Journal) -> None:
    number = journal.put_report("n", reported())
    [read] = journal.unjudged(10)
    journal.put_report("n", reported(message_id="new"))
    projected(journal, judged={number: Judged("counted", "[]", read["version"])})
    [again] = journal.unjudged(10)
    projected(journal, judged={number: Judged("counted", "[]", again["version"])})
    assert journal.unjudged(10) == []
    assert numbers(journal, "verdicts", filters={"outcome": "counted"}) == [number]


def test_a_report_takes_its_conversion_and_the_unreported_verdict_goes(journal: Journal) -> None:
    projected(
        journal,
        event(1, uuid="c-1"),
        event(2, uuid="c-1", duplicate_of=1),
        verdicts=[NewVerdict("n", "k", number, Judged("counted", "[]")) for number in (1, 2)],
    )
    number = journal.put_report("n", reported("1"))
    like = {"visitor_id": "u-1", "event_key": "Order Completed", "timestamp": str(NOW)}
    assert journal.free_conversion("n", "c-1", like) == 1
    projected(journal, links=[(number, 1)], judged={number: Judged("sent", "[]")})
    assert journal.owners([1, 2]) == [{"event": 1, "number": number}]
    assert {row["number"] for row in journal.events([2])} == {1, 2}
    assert journal.free_conversion("n", "c-1", like) == 2
    rows = {row["number"]: row["event"] for row in journal.rows("verdicts", Query("n"))}
    assert sorted(rows.values()) == [1, 2]
    # What else bears the uuid is judged anew.
    assert [row["event"] for row in journal.unjudged(10)] == [2]


def test_the_conversion_most_like_a_report_is_the_first_choice(journal: Journal) -> None:
    projected(
        journal,
        event(1, uuid="c", visitor_id="other"),
        event(2, uuid="c", key="Other"),
        event(3, uuid="c", timestamp="5"),
        event(4, uuid="c", kind="decision"),
    )
    choice = lambda **like: journal.free_conversion(  # noqa: E731 - one word for one choice
        "n", "c", {"visitor_id": "u-1", "event_key": "Order Completed", "timestamp": str(NOW), **like}
    )
    assert choice() == 3
    assert choice(visitor_id="other") == 1
    assert choice(event_key="Other") == 2
    assert (
        journal.free_conversion("m", "c", {"visitor_id": None, "event_key": None, "timestamp": None}) is None
    )


def test_waiting_reports_are_those_without_a_conversion_oldest_first(journal: Journal) -> None:
    first = journal.put_report("n", reported("1", uuid="c"))
    second = journal.put_report("n", reported("2", uuid="c"))
    journal.put_report("n", reported("3", uuid="c", waits=False))
    assert [row["number"] for row in journal.waiting_reports(["c", "x"])] == [first, second]
    projected(journal, event(1, uuid="c"), links=[(first, 1)])
    assert [row["number"] for row in journal.waiting_reports(["c"])] == [second]
    assert journal.waiting_reports([]) == []


# -- listings


def test_pages_go_both_ways(journal: Journal) -> None:
    projected(journal, *(event(number) for number in range(1, 8)))
    assert numbers(journal, "events", limit=3) == [1, 2, 3]
    assert numbers(journal, "events", limit=3, after=3) == [4, 5, 6]
    assert numbers(journal, "events", limit=3, newest=True) == [7, 6, 5]
    assert numbers(journal, "events", limit=3, newest=True, after=3) == [2, 1]
    assert journal.count("events", Query("n"), 5) == 5
    assert journal.count("events", Query(None), 50) == 7
    assert journal.ends("events", "n").last == 7
    assert journal.ends("events", "m").last == 0


@pytest.mark.parametrize(
    ("listing", "name"), [(each, name) for each in FILTERS for name in sorted(FILTERS[each])]
)
def test_every_filter_keeps_the_one_row_that_matches(journal: Journal, listing: str, name: str) -> None:
    journal.append([exchange(surface="privacy", method="GET", status=400), exchange(), exchange()])
    projected(
        journal,
        event(1, exchange=2, kind="decision", experiment_id="x"),
        event(2, exchange=3, visitor_id="u-2", uuid="c", key="k"),
        verdicts=[NewVerdict("n", "k", 2, Judged("counted", '["x"]'))],
    )
    journal.put_report("n", reported("9", kind="deletion", uuid=None, visitor_id=None, event_key=None))
    journal.put_run("n", "r-1", "running", "{}", "{}")
    journal.put_run("n", "r-2", "finished", "{}", "{}")
    wanted = {
        "surface": "privacy", "method": "GET", "visitor_id": "u-2", "uuid": "c", "event_key": "k", "outcome": "counted",
        "kind": "decision", "experiment": '["x"]', "exchange": "3", "message_id": "c-9", "status": "204",
    }  # fmt: skip
    special = {
        ("exchanges", "status"): "400",
        ("verdicts", "kind"): "deletion",
        ("runs", "status"): "finished",
        ("events", "status"): "204",
    }
    value = special.get((listing, name), wanted[name])
    found = journal.rows(listing, Query("n", filters={name: value}))
    assert len(found) == (2 if (listing, name) == ("events", "status") else 1)
    assert not journal.rows(listing, Query("m", filters={name: value}))
    assert not journal.rows(listing, Query("n", filters={name: "0"}))


def test_a_search_takes_marks_of_patterns_as_they_stand(journal: Journal) -> None:
    journal.append([exchange(body=b"100% of a_b\\c"), exchange(body=b"100 of axb")])
    for text, found in (("100% of", [1]), ("A_B", [1]), ("a_b\\c", [1]), ("100", [1, 2]), ("%", [1])):
        assert numbers(journal, "exchanges", text=text) == found, text


def test_the_bound_drops_the_oldest_and_counts_them(open_journal: Open) -> None:
    journal = open_journal(max_rows=5)
    journal.append([exchange() for _ in range(8)])
    projected(
        journal,
        *(event(number) for number in range(1, 9)),
        verdicts=[NewVerdict("n", "k", number, Judged("counted", "[]")) for number in range(1, 9)],
    )
    excess = journal.excess()
    assert excess == {"exchanges": 3, "events": 3, "verdicts": 3}
    assert [row["number"] for row in journal.oldest_events(excess["events"], 2)] == [1, 2]
    projected(journal, dropped=excess)
    for listing in excess:
        assert len(numbers(journal, listing)) == 5, listing
        assert journal.ends(listing, "n").dropped == 3, listing
    assert journal.ends("events", "m").dropped == 0
    assert journal.excess() == {}


def test_the_bound_by_bytes_drops_the_oldest_bodies_and_their_events(open_journal: Open) -> None:
    journal = open_journal(max_bytes=1_000)
    journal.append([exchange(body=b"x" * 250) for _ in range(8)])
    # What is not projected yet stays, however much it is.
    assert not any(journal.excess().values())
    rows = journal.pending(0, 8)
    verdicts = [NewVerdict("n", "k", number, Judged("counted", "[]")) for number in range(1, 9)]
    events = [event(number, exchange=number) for number in range(1, 9)]
    at = journal.position()
    journal.project(Step(at, rows[-1].number, 8, {"n": 8}, events=events, verdicts=verdicts))
    excess = journal.excess()
    assert excess == {"exchanges": rows[3].number, "events": 4}
    projected(journal, dropped=excess)
    for listing in LISTINGS[:3]:
        assert len(numbers(journal, listing)) == 4, listing
        assert journal.ends(listing, "n").dropped == 4, listing
    assert journal.excess() == {}
    # Many small ones are too much as few large ones are; those of the past are counted at the start.
    journal.append([exchange(body=b"x" * 10) for _ in range(11)])
    journal.pending(rows[-1].number, 100)
    assert journal.excess() == {"exchanges": rows[4].number, "events": 5}
    assert open_journal(max_bytes=1_000).excess() == {"exchanges": rows[4].number, "events": 5}
    assert open_journal(max_bytes=2_000).excess() == {}


def test_a_run_that_is_put_again_counts_as_new(journal: Journal) -> None:
    for id_ in ("a", "b", "a"):
        journal.put_run("n", id_, "finished", f'{{"of":"{id_}"}}', f'{{"whole":"{id_}"}}')
    assert [row["summary"] for row in journal.rows("runs", Query("n"))] == ['{"of":"b"}', '{"of":"a"}']
    assert journal.run("n", "a") == {"whole": "a"}
    assert journal.run("n", "x") is None


def test_verdicts_are_counted_by_what_became_of_them(journal: Journal) -> None:
    new = [NewVerdict("n", "k", number, Judged("counted", '["e"]')) for number in (1, 2)]
    other = [NewVerdict("m", "k", 3, Judged("counted", "[]")), NewVerdict("n", "k", 4, None)]
    projected(journal, *(event(number) for number in range(1, 5)), verdicts=[*new, *other])
    number = journal.put_report("n", reported("9", event_key=None))
    projected(journal, judged={number: Judged("not_subscribed", "[]")})
    journal.put_report("n", reported("10", kind="deletion"))
    found = sorted(journal.verdict_counts("n"), key=lambda row: row["total"])
    assert found == [
        {"event_key": None, "outcome": "not_subscribed", "attributed": "[]", "received": 0, "total": 1},
        {"event_key": "k", "outcome": "counted", "attributed": '["e"]', "received": 1, "total": 2},
    ]


def test_outcomes_are_counted_over_every_namespace(journal: Journal) -> None:
    projected(
        journal,
        *(event(number, namespace="n" if number < 3 else "m") for number in range(1, 5)),
        verdicts=[
            NewVerdict("n" if number < 3 else "m", "k", number, Judged(outcome, "[]") if outcome else None)
            for number, outcome in enumerate(("counted", "excluded", "counted", None), 1)
        ],
    )
    assert journal.outcome_counts() == {"counted": 2, "excluded": 1}
