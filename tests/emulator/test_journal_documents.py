"""The contract of a journal, whatever it is kept in: namespaces, documents, who waits, and what is erased."""

import threading
from typing import Any

import pytest
from field_builders import NOW
from journal_builders import Open, event, exchange, numbers, projected, reported

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.records import Judged, NewVerdict, Query

# -- namespaces and documents


def test_namespaces_come_into_being_once(journal: Journal) -> None:
    assert not journal.knows_namespace("n")
    assert journal.settings("n", ("clock",)) == [None]
    journal.add_namespace("n")
    journal.add_namespace("n")
    assert journal.knows_namespace("n")
    assert journal.namespace_count() == 1
    journal.change_document("clock", "n", lambda _: {"now": 1})
    assert journal.settings("n", ("faults", "clock")) == [None, {"now": 1}]
    journal.append([exchange(at=NOW + 5)])
    projected(journal, event(1))
    assert journal.namespaces() == [
        {"name": "n", "events": 1, "verdicts": 0, "dropped": 0, "last_at": NOW + 5}
    ]


def test_resetting_forgets_one_namespace_and_numbers_go_on(journal: Journal) -> None:
    journal.append([exchange(), exchange(namespace="m")])
    projected(
        journal, event(1), event(2, namespace="m"), totals={"n": "x"}, visitors={("n", "u-1", "u1"): None}
    )
    journal.put_report("n", reported())
    journal.put_run("n", "r", None, "{}", "{}")
    for kind in ("clock", "datafile"):
        journal.change_document(kind, "n", lambda _: 1)
    journal.reset("n", ["clock"])
    assert [len(numbers(journal, listing)) for listing in ("exchanges", "events", "verdicts", "runs")] == [
        0
    ] * 4
    assert (journal.totals("n"), journal.stale_visitors(5)) == (None, [])
    assert (journal.document("clock", "n"), journal.document("datafile", "n")) == (None, 1)
    assert journal.count("events", Query("m"), 5) == 1
    assert journal.append([exchange()]) == 3
    assert journal.position().event == 2


def test_documents_are_changed_together_or_not_at_all(journal: Journal) -> None:
    def fails(documents: Any) -> None:
        documents.put("a", 1)
        documents.add("b", lambda number: {"number": number})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        journal.transact("n", fails)
    assert journal.document("a", "n") is None
    assert journal.documents("b", "n") == []


def test_documents_by_kind_namespace_and_id(journal: Journal) -> None:
    def fill(documents: Any) -> list[Any]:
        documents.put("a", {"of": "x"}, "one")
        documents.put("a", {"of": "y"}, "two")
        documents.put("a", {"of": "z"}, "one")
        documents.delete("a", "none")
        return [documents.get("a", "one"), documents.get("a"), documents.all("a")]

    assert journal.transact("n", fill) == [{"of": "z"}, None, [{"of": "z"}, {"of": "y"}]]
    made = journal.add_document("b", "n", lambda number: {"id": number, "of": "x"})
    journal.add_document("b", "m", lambda _: {"of": "x"})
    assert journal.document("b", "n", str(made["id"])) == made
    assert [(space, doc) for space, _, doc in journal.documents("b", None)] == [
        ("m", {"of": "x"}),
        ("n", made),
    ]
    state = journal.documents_state("b", "n")
    journal.transact("n", lambda documents: documents.delete_where("b", of="x"))
    assert journal.documents("b", "n") == []
    assert len(journal.documents("b", "m")) == 1
    assert journal.documents_state("b", "n") != state


def test_no_change_of_a_document_is_lost_whoever_makes_it(open_journal: Open) -> None:
    journals = [open_journal() for _ in range(3)]

    def count(journal: Journal) -> None:
        for _ in range(40):
            journal.change_document("counter", "n", lambda old: (old or 0) + 1)

    threads = [threading.Thread(target=count, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journals[0].document("counter", "n") == 120


# -- waiting


def test_whoever_waits_is_woken_by_what_may_be_enough(journal: Journal) -> None:
    woken: list[str] = []
    one = journal.waiters.subscribe("events", "n", {"visitor_id": "u-2"}, lambda: woken.append("one"))
    journal.waiters.subscribe("verdicts", "n", {"outcome": "counted"}, lambda: woken.append("counted"))
    journal.waiters.subscribe("events", "other", {}, lambda: woken.append("other"))
    journal.waiters.subscribe("events", None, {}, lambda: woken.append("any"))
    one.missing = 2
    projected(journal, event(1, visitor_id="u-2"), event(2))
    assert woken == ["any"]
    projected(
        journal, event(3, visitor_id="u-2"), verdicts=[NewVerdict("n", "k", 3, Judged("counted", "[]"))]
    )
    assert sorted(woken) == ["any", "any", "counted", "one"]
    one.close()
    one.close()
    woken.clear()
    journal.put_report("n", reported())
    journal.reset("n", [])
    assert set(woken) == {"any", "counted"}


def test_what_another_process_writes_is_noticed(open_journal: Open) -> None:
    one, two = open_journal(), open_journal()
    two.reset("n", [])
    one.look()
    woken = threading.Event()
    one.waiters.subscribe("events", "n", {}, woken.set)
    projected(two, event(1))
    # A journal that hears of it sooner need not look.
    one.look()
    assert woken.wait(10)


# -- privacy


def test_erasing_takes_the_visitors_own_rows_and_gives_the_rest_to_rewrite(journal: Journal) -> None:
    journal.append([exchange(body=b"of u-1"), exchange(namespace="m", body=b"of u-1")])
    projected(
        journal,
        event(1),
        event(2, visitor_id="u-2", doc='"u-1"'),
        visitors={("n", "u-1", "u1"): "{}", ("n", "u-2", "u2"): "{}"},
        verdicts=[NewVerdict("n", "k", number, Judged("counted", "[]")) for number in (1, 2)],
    )
    journal.put_report("n", reported("5"))
    other = journal.put_report("n", reported("6", visitor_id="u-2", user_id="u-2"))
    gone = journal.put_report("n", reported("7", visitor_id="u-2", user_id="u-2"))
    places = {
        place: journal.tracing("n", "u-1").suspects(place, 0, 10) for place in ("exchange", "event", "report")
    }
    assert {place: [row["number"] for row in rows] for place, rows in places.items()} == {
        "exchange": [1], "event": [2], "report": [other, gone],
    }  # fmt: skip
    with journal.erasing("n", "u-1") as (rest, events, reports):
        assert (events, reports) == (1, 1)
        [row] = rest.suspects("exchange", 0, 10)
        rest.rewrite("exchange", 1, {"head": row["head"], "body": b"clean"})
        rest.rewrite("event", 2, {"doc": '"clean"'})
        rest.rewrite("report", other, {"delivery": '"clean"'})
        rest.drop_report(gone)
        assert rest.suspect("event", 1) is None
    journal.scrub()
    assert [row["body"] for row in journal.rows("exchanges", Query(None))] == [b"clean", b"of u-1"]
    assert [row["doc"] for row in journal.rows("events", Query("n"))] == ['"clean"']
    assert [row["delivery"] for row in journal.rows("verdicts", Query("n"))] == [None, '"clean"']
    assert journal.stale_visitors(5) == [("n", "u-2", "u2")]
    assert not journal.knows_visitor("n", "u-1")
    assert journal.all_of_visitor("n", "u-1") == ([], [])


def test_an_erasure_that_fails_erases_nothing(journal: Journal) -> None:
    projected(journal, event(1))
    with pytest.raises(ValueError, match="no"), journal.erasing("n", "u-1"):
        raise ValueError("no")
    assert numbers(journal, "events") == [1]


def test_a_journal_is_closed_as_often_as_one_likes(journal: Journal) -> None:
    assert journal.is_sound()
    journal.close()
    journal.close()
