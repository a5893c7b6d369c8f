"""Captured requests: durable at once, indexed once and only once, whoever indexes them and whatever happens between."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from field_builders import NOW, activation, batch, purchase
from hypothesis import given, settings
from hypothesis import strategies as st

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.query import Query
from optilocal.emulator.journal.request_log import Captured, RequestLog, names, packed, records


def record(captured: Captured) -> bytes:
    return packed(captured.at, names(captured.namespace, captured.head, captured.kind), captured.body)


def captured(number: int, space: str = "n") -> Captured:
    body = batch(activation(f"u-{number}", uuid=f"a-{number}"), purchase(f"u-{number}", uuid=f"c-{number}"))
    return Captured(NOW + number, space, '{"User-Agent":"x"}', json.dumps(body).encode())


@given(
    st.lists(
        st.builds(
            Captured, st.integers(0, 2**60), st.text(max_size=64), st.just("{}"), st.binary(max_size=99)
        )
    )
)
def test_records_read_back_as_they_were_written(given: list[Captured]) -> None:
    data = b"".join(record(each) for each in given)
    assert [each for each, _ in records(data)] == given
    assert not given or [end for _, end in records(data)][-1] == len(data)


@given(st.integers(1, 500), st.integers(0, 2**32))
def test_a_torn_or_spoilt_record_ends_the_reading_and_spoils_none_before(cut: int, spoil: int) -> None:
    given = [captured(number) for number in range(3)]
    data = b"".join(record(each) for each in given)
    assert [each for each, _ in records(data[:-cut])] == given[: 2 if cut < len(record(given[2])) else 1]
    last = bytearray(data)
    last[-1 - spoil % len(record(given[2]))] ^= 1
    assert [each for each, _ in records(bytes(last))][:2] == given[:2]
    assert len(list(records(bytes(last)))) <= 2


def events(journal: Journal) -> list[str]:
    return [json.loads(row["doc"])["uuid"] for row in journal.rows("events", Query("n", limit=100_000))]


def expected(numbers: range) -> list[str]:
    return [f"{letter}-{number}" for number in numbers for letter in "ac"]


def test_a_question_finds_what_was_captured_before_it() -> None:
    journal = Journal()
    for number in range(700):
        journal.capture([record(captured(number))])
        if number % 97 == 0:
            newest = journal.rows("events", Query("n", limit=1, newest=True))
            assert newest[0]["number"] == 2 * (number + 1)
    assert events(journal) == expected(range(700))
    assert journal.count("exchanges", Query("n"), 10_000) == 700
    journal.close()


def test_what_is_stored_at_once_comes_after_what_was_captured_before() -> None:
    journal = Journal()
    journal.capture([record(captured(0))])
    journal.append("n", {"surface": "datafile", "method": "GET", "status": 200}, b"")
    journal.capture([record(captured(1))])
    assert [row["number"] for row in journal.rows("exchanges", Query("n"))] == [1, 2, 3]
    assert [row["exchange"] for row in journal.rows("events", Query("n"))] == [1, 1, 3, 3]
    journal.close()


def test_resetting_forgets_what_was_captured_before_and_nothing_after() -> None:
    journal = Journal()
    journal.capture([record(captured(0))])
    journal.reset("n", [])
    journal.capture([record(captured(1))])
    assert events(journal) == expected(range(1, 2))
    journal.close()


def segments(path: Path) -> list[Path]:
    return [each for each in path.parent.iterdir() if "-requests-" in each.name]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(0, 40))
def test_what_a_killed_emulator_had_captured_is_indexed_once_by_the_next(
    tmp_path_factory: pytest.TempPathFactory, indexed: list[int], torn: int
) -> None:
    path = tmp_path_factory.mktemp("killed") / "journal.sqlite"
    number = 0
    for most in indexed:
        journal = Journal(path)
        for number in range(number, number + 20):  # noqa: B020 - each emulator goes on where the last one ended
            journal.capture([record(captured(number))])
        number += 1
        if most:
            journal.index_some(most)
        # As a kill leaves it: nothing is closed but what the system closes.
        journal.log.close()
        journal._db.close()
        for segment in segments(path):
            with segment.open("ab") as file:
                file.write(record(captured(10_000))[:torn])
    journal = Journal(path)
    assert events(journal) == expected(range(number))
    assert segments(path) == []
    journal.close()
    again = Journal(path)
    assert events(again) == expected(range(number))
    again.close()


def test_a_living_emulators_log_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    one = Journal(path)
    one.capture([record(captured(0))])
    two = Journal(path)
    assert events(two) == []
    assert events(one) == events(two) == expected(range(1))
    two.close()
    one.close()
    assert segments(path) == []


def test_a_long_log_goes_on_in_a_new_segment_and_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optilocal.emulator.journal.request_log._SEGMENT", 5_000)
    journal = Journal(tmp_path / "journal.sqlite")
    for number in range(40):
        journal.capture([record(captured(number))])
    assert len(segments(journal.path)) > 3
    assert events(journal) == expected(range(40))
    assert len(segments(journal.path)) == 1
    journal.close()


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 9)), min_size=1, max_size=12))
def test_reading_follows_writing_into_every_segment(turns: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        # So that each segment has one record or two, and is read to its end before, or after, the next one begins.
        patch.setattr("optilocal.emulator.journal.request_log._SEGMENT", 1_500)
        log = RequestLog(Path(folder) / "journal.sqlite", "t")
        written, read = [], []
        for appended, most in [*turns, (1, 1_000), (1, 1_000)]:
            for _ in range(appended):
                written.append(captured(len(written)))
                log.append(record(written[-1]))
            while len(read) < len(written) and most and (found := log.next(most)):
                read += found[0]
                log.done(len(found[0]), found[1])
                if most < 1_000:
                    break
        assert read == written
        assert len(list(Path(folder).iterdir())) == 1
        log.close()


def test_an_idle_log_goes_on_in_a_new_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optilocal.emulator.journal.request_log._SEGMENT", 5_000)
    journal = Journal(tmp_path / "journal.sqlite")
    for number in range(20):
        journal.capture([record(captured(number))])
        assert events(journal) == expected(range(number + 1))
    assert len(segments(journal.path)) == 1
    journal.close()


def test_what_was_written_of_a_record_that_failed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.capture([record(captured(0))])
    [(_, file)] = journal.log._segments

    class Full:
        """A file on a disk that takes half of what it is given."""

        def __getattr__(self, name: str) -> Any:
            return getattr(file, name)

        def write(self, data: bytes) -> int:
            return file.write(data[: len(data) // 2])

    with monkeypatch.context() as full:
        full.setattr(journal.log, "_segments", [(segments(journal.path)[0], Full())])
        with pytest.raises(OSError, match="full"):
            journal.capture([record(captured(1))])
    journal.capture([record(captured(1))])
    assert events(journal) == expected(range(2))
    journal.close()


def test_nothing_erased_stays_in_the_log(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.capture([record(captured(7))])
    [segment] = segments(journal.path)
    with segment.open("rb") as still_open:
        assert b"u-7" in still_open.read()
        journal.fold_log()
        still_open.seek(0)
        assert b"u-7" not in still_open.read()
    assert segments(journal.path) == []
    journal.capture([record(captured(8))])
    assert events(journal) == expected(range(7, 9))
    journal.close()
