"""The journal in a file: durable, shared by processes, and never written over what is not its own."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from field_builders import activation, batch, datafile, purchase
from journal_builders import exchange
from space import Space

from optilocal.emulator.counting.standing import Rules
from optilocal.emulator.journal.records import Query
from optilocal.emulator.journal.sqlite import SqliteJournal
from optilocal.emulator.journal.sqlite_store import STATEMENTS
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.json_text import loads
from optilocal.emulator.projection.projector import Projector
from optilocal.emulator.projection.verdicts import Verdicts
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


def uuids(path: Path) -> list[str]:
    """The uuids of all events of the namespace default, once all that was captured is projected."""
    journal = SqliteJournal(path)
    try:
        Projector(journal, Verdicts(journal, Rules())).catch_up()
        return [
            loads(row["doc"])["uuid"] for row in journal.rows("events", Query("default", limit=1_000_000))
        ]
    finally:
        journal.close()


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    options = Settings(port=0, journal=tmp_path / "journal.sqlite")
    with EmulatorServer(options) as first, requests.Session() as session:
        space = Space(first.base_url, "kept", session)
        space.put_datafile()
        space.put_clock("2026-01-15T10:00:00Z")
        space.put_faults({"on": "privacy", "status": 500, "times": 5})
        space.send(batch(activation(), purchase()))
        before = [
            space.json(path) for path in ("events", "exchanges", "verdicts", "results", "faults", "clock")
        ]
    with EmulatorServer(options) as second, requests.Session() as session:
        space = Space(second.base_url, "kept", session)
        after = [
            space.json(path) for path in ("events", "exchanges", "verdicts", "results", "faults", "clock")
        ]
        assert space.get("/datafiles/sdk-1.json").json() == datafile()
    assert after == before


def test_without_a_file_nothing_is_left_behind() -> None:
    journal = SqliteJournal()
    folder = journal.path.parent
    assert journal.path.exists()
    journal.close()
    journal.close()
    assert not folder.exists()


def test_two_processes_may_share_one_journal(tmp_path: Path) -> None:
    options = Settings(port=0, journal=tmp_path / "shared.sqlite")
    with EmulatorServer(options) as one, EmulatorServer(options) as two, requests.Session() as session:
        here, there = Space(one.base_url, "s", session), Space(two.base_url, "s", session)
        found: list[Any] = []
        url = f"{there.base_url}/_emulator/verdicts?outcome=counted&wait=20"
        waiter = threading.Thread(target=lambda: found.append(requests.get(url, timeout=30).json()))
        waiter.start()
        here.put_datafile()
        here.send(batch(activation(), purchase()))
        waiter.join(15)
        assert len(found[0]["verdicts"]) == 1
        assert there.json("results") == here.json("results")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"My diary\n" * 50, "not a journal of the emulator"),
        (b"SQLite format 3\0" + b"\0" * 10, "not a journal of the emulator"),
    ],
)
def test_a_foreign_file_is_refused_and_not_touched(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "diary.txt"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=said) as caught:
        SqliteJournal(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["diary.txt"]


def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (text)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="another program's database"):
        SqliteJournal(path)
    assert path.read_bytes() == before


def test_another_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    SqliteJournal(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="version 99"):
        SqliteJournal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("missing/journal.sqlite", "does not exist")]
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(JournalError, match=said):
        SqliteJournal(tmp_path / name)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(JournalError, match="is not a file"):
        SqliteJournal(tmp_path / "pipe")


def test_when_the_disk_is_full_nothing_more_is_acknowledged_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "j.sqlite"
    # The bound on a file's size stands for a disk that is full.
    script = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000));"
        "sys.argv = sys.argv[1:]; runpy.run_module('emulator', run_name='__main__')"
    )
    command = [sys.executable, "-c", script, "emulator", "--port", "0", "--journal", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout is not None
        with requests.Session() as session:
            space = Space(emulator.stdout.readline().split()[1], None, session)
            padding = {"padding": "x" * 20_000}
            answers = [
                space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}", tags=padding)))
                for number in range(60)
            ]
            refused = [answer for answer in answers if answer.status_code != 204]
            assert {answer.status_code for answer in refused} == {500}
            assert refused[0].json()["error"]["code"] == "journal_failed"
            emulator.kill()
        assert emulator.stderr is not None
        assert "Traceback" not in emulator.stderr.read()
    acknowledged = [f"c-{number}" for number, answer in enumerate(answers) if answer.status_code == 204]
    assert 0 < len(acknowledged) < 60
    assert set(acknowledged) <= set(uuids(path))


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path)
    journal.append([exchange()])
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    journal.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_deleted_or_replaced_while_it_runs_takes_nothing_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], replaced: bool
) -> None:
    path = tmp_path / "journal.sqlite"
    with EmulatorServer(Settings(port=0, journal=path)) as server, requests.Session() as session:
        space = Space(server.base_url, None, session)
        assert space.send(batch(purchase())).status_code == 204
        path.unlink()
        if replaced:
            SqliteJournal(path).close()
        refused = space.send(batch(purchase("u-2", uuid="c-2")))
        assert (refused.status_code, refused.json()["error"]["code"]) == (500, "journal_failed")
        assert "was deleted or replaced while" in refused.json()["error"]["message"]
        said = ""
        deadline = time.monotonic() + 10
        while "was deleted or replaced" not in said and time.monotonic() < deadline:
            said += capfd.readouterr().err
    assert said.count("was deleted or replaced") == 1


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    SqliteJournal(path).close()
    SqliteJournal(path).close()


def test_the_bound_drops_the_oldest_and_counts_them() -> None:
    with EmulatorServer(Settings(port=0, max_events=10)) as server, requests.Session() as session:
        space = Space(server.base_url, "small", session)
        space.put_datafile()
        for number in range(25):
            space.send(batch(purchase(f"u-{number}", uuid=f"c-{number}")))
        for listing in ("events", "exchanges", "verdicts"):
            page = space.json(listing)
            assert (len(page[listing]), page["dropped"]) == (10, 15), listing
        assert [row["visitor_id"] for row in space.rows("events")] == [
            f"u-{number}" for number in range(15, 25)
        ]
        assert space.rows("namespaces")[0]["dropped"] == 45
        assert Space(server.base_url, "other", session).json("events")["dropped"] == 0
        warnings = space.rows("verdicts")[0]["warnings"]
        assert "journal_dropped" in [warning["code"] for warning in warnings]


def test_dropped_decisions_no_longer_count() -> None:
    with EmulatorServer(Settings(port=0, max_events=10)) as server, requests.Session() as session:
        space = Space(server.base_url, "small", session)
        space.put_datafile()
        space.send(batch(activation(), purchase()))
        assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 1
        space.send(batch(*(purchase(f"u-{number}", uuid=f"x-{number}") for number in range(20))))
        assert space.json("results")["experiments"]["checkout"]["variations"]["a"]["visitors"] == 0


@pytest.mark.parametrize("text", ["'; DROP TABLE events; --", "\ud800", "\x00", "𝄞" * 50, "%_\\", "null"])
def test_no_text_is_too_odd_to_be_kept_and_found(space: Space, text: str) -> None:
    space.put_datafile()
    assert space.send(batch(purchase(text, uuid="c-1"))).status_code == 204
    assert len(space.rows("events")) == 1
    assert len(space.rows("verdicts")) == 1
    if text != "\ud800":
        assert len(space.rows("events", visitor_id=text)) == 1


_SENDER = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
number = 0
while True:
    event = {"entity_id": "e", "key": "k", "uuid": f"{sys.argv[2]}-{number}", "timestamp": 1}
    visitor = {"visitor_id": "u", "snapshots": [{"events": [event]}]}
    connection.request("POST", "/v1/events", json.dumps({"account_id": "1", "visitors": [visitor]}))
    answer = connection.getresponse()
    answer.read()
    if answer.status == 204:
        print(event["uuid"], flush=True)
    number += 1
"""


def test_nothing_acknowledged_is_lost_when_killed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    command = [sys.executable, "-m", "optilocal.emulator", "--port", "0", "--journal", str(path)]
    acknowledged: list[str] = []
    for kill in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
            assert emulator.stdout is not None
            port = emulator.stdout.readline().rsplit(":", 1)[1].strip()
            senders = [
                subprocess.Popen(
                    [sys.executable, "-c", _SENDER, port, f"{kill}-{sender}"],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
                for sender in range(2)
            ]
            for sender in senders:
                assert sender.stdout is not None
                acknowledged += [sender.stdout.readline().strip() for _ in range(40)]
            os.kill(emulator.pid, signal.SIGKILL)
            for sender in senders:
                acknowledged += [line.strip() for line in sender.communicate()[0].splitlines()]
    kept = uuids(path)
    assert len(acknowledged) > 200
    assert set(acknowledged) <= set(kept)
    assert len(kept) == len(set(kept))


def test_a_look_up_does_not_read_the_whole_journal() -> None:
    """Every look-up by a field goes through an index: SQLite is asked for its plan, not for its time."""
    journal = SqliteJournal()
    try:
        db = sqlite3.connect(journal.path)
        for listing in ("events", "verdicts"):
            for name in ("visitor_id", "uuid", "event_key", "message_id"):
                condition = STATEMENTS.get(f"filter {listing} {name}")
                if condition is None:
                    continue
                for scope in ("", "namespace = 'n' AND "):
                    sql = f"EXPLAIN QUERY PLAN SELECT number FROM {listing} WHERE {scope}{condition} AND number > 5"
                    plan = " ".join(
                        str(row[3])
                        for row in db.execute(
                            f"{sql} ORDER BY number LIMIT 10", ("x",) * condition.count("?")
                        )
                    )
                    column = {"event_key": "key" if listing == "events" else "event_key"}.get(name, name)
                    assert f"({column}=?" in plan, plan
                    assert "SCAN" not in plan, plan
        db.close()
    finally:
        journal.close()


@pytest.mark.parametrize("name", [name for name, sql in STATEMENTS.items() if ":cutoff" in sql])
def test_what_the_bound_drops_is_found_without_walking_through_a_table(tmp_path: Path, name: str) -> None:
    journal = SqliteJournal(tmp_path / "journal")
    with contextlib.closing(journal), contextlib.closing(sqlite3.connect(journal.path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {STATEMENTS[name]}", {"cutoff": 1})]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN")], plan
