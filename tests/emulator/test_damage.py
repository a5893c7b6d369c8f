"""What was acknowledged survives damage: of a file with flipped, zeroed or cut bytes all but what was hit can be read."""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from damage import KINDS, Files, damaged
from field_builders import activation, batch, datafile, purchase, report
from journal_builders import convert, exchange
from space import Space

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.journal.records import Query
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

ROWS = 300
IN_A_PAGE = 8
"""No page has more of these rows: each has some 500 bytes."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A journal as a killed emulator leaves it: half of its requests in the file, half in the log."""
    path = tmp_path_factory.mktemp("kept") / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        for number in range(ROWS):
            journal.append([exchange(body=b"%d %s" % (number, b"y" * (300 + number % 7 * 1_000)))])
            if number == ROWS // 2:
                journal.look()
        return Files.read(path)


def bodies(path: Path) -> tuple[list[bytes], str | None]:
    """The requests of a journal, and what was said of its damage."""
    with closing(SqliteJournal(path)) as journal:
        said = journal.look()
        rows = journal.rows("exchanges", Query(None, limit=ROWS, most_bytes=10**9))
        return [row["body"] for row in rows], said


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_costs_the_requests_that_it_hits_and_is_said(
    files: Files, tmp_path: Path, kind: str, seed: int
) -> None:
    path = tmp_path / "journal.sqlite"
    before, _ = bodies(files.write(path.with_name("whole.sqlite")))
    assert len(before) == ROWS
    hit = damaged(files, kind, random.Random(seed))
    found, said = bodies(hit.write(path))
    assert len(set(before) - set(found)) <= IN_A_PAGE * hit.pages + hit.cut_off
    assert (said is not None) >= (len(found) < ROWS and not hit.log_is_shorter)
    aside = path.with_name("journal.sqlite.damaged-1")
    assert aside.exists() is (said is not None)
    if said is not None:
        assert "was damaged" in said
        assert str(aside) in said
        assert "\n" not in said
        assert aside.stat().st_mode & 0o077 == path.stat().st_mode & 0o077 == 0


def test_everything_that_follows_from_requests_is_worked_out_again(tmp_path: Path) -> None:
    options = Settings(port=0, journal=tmp_path / "journal.sqlite")
    with EmulatorServer(options) as emulator, requests.Session() as session:
        space = Space(emulator.base_url, "shop", session)
        space.put_datafile(datafile())
        space.send(batch(activation("u-1"), purchase("u-1", uuid="c-1")))
        space.report(**report("1", uuid="c-1"))
        session.post(
            f"{space.base_url}/_emulator/runs", json={"id": "run-1", "state": "finished"}, timeout=30
        )
        wanted = told(space)
    assert wanted[0] == ["counted"]
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").fetchone()[0]
    content = bytearray((tmp_path / "journal.sqlite").read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xaa" * 4096
    (tmp_path / "journal.sqlite").write_bytes(content)
    with EmulatorServer(options) as emulator, requests.Session() as session:
        assert told(Space(emulator.base_url, "shop", session)) == wanted


def told(space: Space) -> tuple[list[str], list[str], object, list[str], list[str]]:
    return (
        [row["outcome"] for row in space.rows("verdicts")],
        [row["uuid"] for row in space.rows("events")],
        space.json("results"),
        [row["id"] for row in space.rows("runs")],
        [row["sdkKey"] for row in space.rows("datafiles")],
    )


def test_a_damaged_page_that_is_met_while_running_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        for number in range(200):
            journal.append([exchange(body=b"%d %s" % (number, b"x" * 500))])
    with closing(SqliteJournal(path)) as journal:
        # It stays open: closing it would take the locks of this process's own connections away.
        file = os.open(path, os.O_RDWR)
        os.pwrite(file, b"\xaa" * 20_000, path.stat().st_size // 2)
        with pytest.raises(JournalError, match="malformed"):
            journal.rows("exchanges", Query(None, limit=1_000))
        said = journal.look()
        assert said is not None
        assert "was damaged" in said
        assert journal.look() is None
        kept = len(journal.rows("exchanges", Query(None, limit=1_000)))
        assert 100 < kept < 200
        journal.append([exchange(body=b"one more")])
        assert len(journal.rows("exchanges", Query(None, limit=1_000))) == kept + 1
    found, _ = bodies(path)
    assert found[-1] == b"one more"


_HOLDS = """
import sys
from optilocal.emulator.journal.sqlite import SqliteJournal
from pathlib import Path
journal = SqliteJournal(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_damaged_journal_that_another_process_uses_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(SqliteJournal(path)) as journal:
        journal.append([exchange(body=b"x" * 500) for _ in range(200)])
    command = [sys.executable, "-c", _HOLDS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "open\n"
        file = os.open(path, os.O_RDWR)
        os.pwrite(file, b"\xaa" * 20_000, path.stat().st_size // 2)
        before = path.read_bytes()
        with pytest.raises(JournalError, match="another process uses it"):
            SqliteJournal(path)
        assert path.read_bytes() == before
        other.stdin.close()
    found, said = bodies(path)
    assert said is not None
    assert 100 < len(found) < 200


@pytest.fixture
def projector() -> Iterator[Projector]:
    with closing(SqliteJournal()) as journal:
        made = Projector(journal, Verdicts(journal, Rules()))
        yield made
        made.stop()


def test_a_request_that_cannot_be_worked_out_is_passed_over(projector: Projector) -> None:
    said: list[str] = []
    projector.start(said.append)
    visitors = [exchange(convert(f"u-{number}")) for number in range(5)]
    bad = exchange(convert("u-bad"), head="{")
    projector.journal.append([*visitors[:3], bad, *visitors[3:]])
    projector.catch_up()
    rows = projector.journal.rows("events", Query("n"))
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert [line.partition(":")[0] for line in said] == ["request 4 cannot be worked out and is passed over"]


DAMAGED = [
    ("exchanges", "exchanges", "head", "{"),
    ("exchanges", "exchanges", "head", "[1]"),
    ("events", "events", "doc", '{"uuid": '),
    ("events", "events", "doc", "{}"),
    ("verdicts", "verdicts", "delivery", "{"),
    ("runs", "runs", "summary", "{"),
]


@pytest.mark.parametrize(("listing", "table", "column", "text"), DAMAGED)
def test_a_row_that_cannot_be_read_is_one_bad_row(
    tmp_path: Path, listing: str, table: str, column: str, text: str
) -> None:
    path = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as emulator, requests.Session() as session:
        space = Space(emulator.base_url, "shop", session)
        space.put_datafile(datafile())
        for number in range(3):
            space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}")))
            space.report(**report(str(number), uuid=f"c-{number}"))
            run = {"id": f"run-{number}", "state": "finished"}
            session.post(f"{space.base_url}/_emulator/runs", json=run, timeout=30)
        whole = space.rows(listing)
        assert len(whole) == 3
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE number = ?", (text, whole[1]["number"]))
            db.commit()
        rows = space.rows(listing)
        assert [rows[0], rows[2]] == [whole[0], whole[2]]
        assert rows[1] == {
            "number": whole[1]["number"],
            "namespace": "shop",
            "unreadable": "what is stored of this row is damaged and cannot be shown",
        }
        for other in ("exchanges", "events", "verdicts", "runs", "results", "datafiles", "namespaces"):
            space.json(other)
        space.send(batch(purchase("u-1", uuid="c-9")))
        assert len(space.rows("events")) == 4


def test_a_document_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as emulator, requests.Session() as session:
        space = Space(emulator.base_url, "shop", session)
        space.put_datafile(datafile())
        space.put_datafile(datafile(), key="sdk-2")
        space.put_clock("2026-01-15T10:00:00Z")
        space.put_faults({"on": "events", "status": 503})
        space.ask()
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE documents SET doc = '{' WHERE id IS NOT 'sdk-2'")
            db.commit()
        assert [row["sdkKey"] for row in space.rows("datafiles")] == ["sdk-2"]
        assert space.rows("faults") == []
        assert space.json("clock")["set"] is False
        assert space.json("subject-access-requests") == {"subject_access_requests": []}
        assert space.send(batch(purchase("u-1"))).status_code == 204
        assert space.get("/datafiles/sdk-1.json").status_code == 403
        assert len(space.rows("verdicts")) == 1
