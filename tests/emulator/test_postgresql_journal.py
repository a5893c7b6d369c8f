"""The journal in PostgreSQL: whose schema it is, and what emulators that share one do together."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from field_builders import activation, batch, datafile, purchase
from journal_builders import convert, decide, exchange, numbers
from postgresql_server import PostgresqlServer
from space import Space

from optilocal.emulator.journal import postgresql_store, sqlite_store
from optilocal.emulator.journal.journal import open_journal
from optilocal.emulator.journal.postgresql import PostgresqlJournal
from optilocal.emulator.journal.store import JournalError
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings

READ = ("events", "exchanges", "verdicts", "results", "faults", "clock")


@pytest.fixture
def url(postgresql: PostgresqlServer, schema: str) -> str:
    return postgresql.url(schema)


def tables(postgresql: PostgresqlServer, schema: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgresql.url()) as db:
        sql = (
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = to_regnamespace(%s) ORDER BY 1"
        )
        return db.execute(sql, (schema,)).fetchall()


# -- the schema


def test_both_databases_have_the_same_statements() -> None:
    only_here = {"projected elsewhere", "vacuum"}
    here = {name for name in postgresql_store.STATEMENTS if not name.startswith("migration ")}
    assert here - only_here == set(sqlite_store.STATEMENTS)


def test_a_schema_is_made_once_by_whoever_comes_first(url: str) -> None:
    made: list[PostgresqlJournal] = []
    threads = [threading.Thread(target=lambda: made.append(PostgresqlJournal(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made[0].append([exchange()])
    assert [numbers(journal, "exchanges") for journal in made] == [[1]] * 4
    for journal in made:
        journal.close()


def test_another_programs_tables_are_refused_and_not_touched(
    postgresql: PostgresqlServer, schema: str, url: str
) -> None:
    with psycopg.connect(postgresql.url()) as db:
        db.execute(
            f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.about (note TEXT); CREATE TABLE {schema}.events ()"
        )
    before = tables(postgresql, schema)
    with pytest.raises(
        JournalError, match="holds something else than the journal, nothing in it was changed"
    ) as caught:
        PostgresqlJournal(url)
    assert "\n" not in str(caught.value)
    assert tables(postgresql, schema) == before


def test_another_version_is_refused_and_not_touched(
    postgresql: PostgresqlServer, schema: str, url: str
) -> None:
    PostgresqlJournal(url).close()
    with psycopg.connect(postgresql.url()) as db:
        db.execute(f"UPDATE {schema}.about SET version = 99; DROP TABLE {schema}.runs")
    before = tables(postgresql, schema)
    with pytest.raises(JournalError, match="is of version 99, this optilocal writes version"):
        PostgresqlJournal(url)
    assert tables(postgresql, schema) == before


def older(postgresql: PostgresqlServer, schema: str) -> None:
    """A schema as version 1 made and left it: one visitor's decision and conversion, another's conversion."""
    dump = Path(__file__).with_name("journal_version_1.sql").read_text("utf-8")
    with psycopg.connect(postgresql.url()) as db:
        db.execute(dump.replace("older.", f"{schema}.").replace("SCHEMA older;", f"SCHEMA {schema};"))


def shape(postgresql: PostgresqlServer, schema: str) -> list[tuple[Any, ...]]:
    """Every column and index of a schema."""
    columns = """SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name, is_identity
        FROM information_schema.columns WHERE table_schema = %s ORDER BY table_name, column_name"""
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY indexname"
    with psycopg.connect(postgresql.url()) as db:
        found = [*db.execute(columns, (schema,)), *db.execute(indexes, (schema,))]
    return [
        tuple(str(value).replace(f"{schema}.", "") if value is not None else None for value in row)
        for row in found
    ]


def test_a_schema_of_an_older_version_is_migrated_once_and_goes_on(
    postgresql: PostgresqlServer, schema: str, url: str
) -> None:
    older(postgresql, schema)
    options = Settings(port=0, journal=url)
    with ThreadPoolExecutor() as opening:
        for journal in opening.map(PostgresqlJournal, [url] * 3):
            journal.close()
    with requests.Session() as session:
        servers = [EmulatorServer(options).start() for _ in range(3)]
        try:
            spaces = [Space(server.base_url, "kept", session) for server in servers]
            found = [space.json("verdicts")["verdicts"] for space in spaces]
            assert [(row["number"], row["outcome"]) for row in found[0]] == [
                (1, "counted"),
                (2, "user_not_activated"),
            ]
            assert found == [found[0]] * 3
            spaces[1].send(batch(decide("u-3"), convert("u-3")))
            checkout = spaces[2].json("results")["experiments"]["checkout"]["variations"]["a"]
            assert (checkout["visitors"], checkout["metrics"]["Order Completed"]["total"]) == (2, 2)
        finally:
            for server in servers:
                server.stop()
    PostgresqlJournal(postgresql.url(f"{schema}_new")).close()
    assert shape(postgresql, schema) == shape(postgresql, f"{schema}_new")


def test_an_empty_schema_that_somebody_made_is_used(
    postgresql: PostgresqlServer, schema: str, url: str
) -> None:
    with psycopg.connect(postgresql.url()) as db:
        db.execute(f"CREATE SCHEMA {schema}")
    journal = PostgresqlJournal(url)
    assert journal.is_sound()
    journal.close()


def test_what_cannot_be_reached_is_said_in_one_line_without_the_password(
    postgresql: PostgresqlServer, schema: str
) -> None:
    with psycopg.connect(postgresql.url()) as db:
        db.execute(f"CREATE ROLE {schema} LOGIN")
    reached = postgresql.url().replace("tester@", "tester:hunter2@")
    for address, said in (
        (reached.replace("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
        (reached.replace(f":{postgresql.port}", ":1"), "cannot be reached"),
        (reached + "?schema=Drop", "no name for one"),
        (reached + "?schema=pg_mine", "no name for one"),
        (reached + "?sslmode=never", "sslmode"),
        (postgresql.url(schema, user=schema), "GRANT CREATE ON DATABASE"),
    ):
        with pytest.raises(JournalError) as caught:
            open_journal(address)
        assert said in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_wrong_password_is_said(postgresql: PostgresqlServer, schema: str) -> None:
    with psycopg.connect(postgresql.url()) as db:
        db.execute(f"CREATE ROLE {schema} LOGIN PASSWORD 'right'")
    with (
        postgresql.asking_for_passwords(schema),
        pytest.raises(JournalError, match="password authentication failed"),
    ):
        open_journal(postgresql.url(schema, user=f"{schema}:wrong"))


def test_without_psycopg_the_command_says_what_to_install(url: str) -> None:
    # A module that cannot be imported, as where the extra was not installed.
    code = (
        "import sys; sys.modules['psycopg'] = None; from optilocal.emulator.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "--port", "0", "--journal", url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "pip install 'optilocal[postgresql]'" in ended.stderr


# -- one emulator, and several


def test_what_was_kept_is_there_after_a_restart(url: str) -> None:
    options = Settings(port=0, journal=url)
    with EmulatorServer(options) as first, requests.Session() as session:
        space = Space(first.base_url, "kept", session)
        space.put_datafile()
        space.put_clock("2026-01-15T10:00:00Z")
        space.put_faults({"on": "privacy", "status": 500, "times": 5})
        space.send(batch(activation(), purchase()))
        before = [space.json(path) for path in READ]
    with EmulatorServer(options) as second, requests.Session() as session:
        space = Space(second.base_url, "kept", session)
        after = [space.json(path) for path in READ]
        assert space.get("/datafiles/sdk-1.json").json() == datafile()
    assert after == before
    assert [row["outcome"] for row in before[2]["verdicts"]] == ["counted"]


def test_what_one_emulator_captures_whoever_waits_at_another_hears(url: str) -> None:
    options = Settings(port=0, journal=url)
    with EmulatorServer(options) as one, EmulatorServer(options) as two, requests.Session() as session:
        spaces = [Space(each.base_url, "s", session) for each in (one, two)]
        for here, there, user in ((*spaces, "u-1"), (*reversed(spaces), "u-2")):
            found: list[Any] = []
            asked = f"{there.base_url}/_emulator/verdicts?outcome=counted&wait=20&visitor_id={user}"
            waiter = threading.Thread(
                target=lambda a=asked, f=found: f.append(requests.get(a, timeout=30).json())
            )
            waiter.start()
            here.put_datafile()
            here.send(batch(decide(user), convert(user)))
            waiter.join(20)
            assert [row["visitor_id"] for row in found[0]["verdicts"]] == [user]
        assert spaces[0].json("results") == spaces[1].json("results")


def test_clock_faults_and_datafiles_are_everyones_and_a_fault_counts_once(url: str) -> None:
    options = Settings(port=0, journal=url)
    with EmulatorServer(options) as one, EmulatorServer(options) as two, requests.Session() as session:
        here, there = Space(one.base_url, "s", session), Space(two.base_url, "s", session)
        here.put_datafile()
        here.put_clock("2026-01-15T10:00:00Z")
        assert there.json("clock") == here.json("clock")
        assert there.get("/datafiles/sdk-1.json").json() == datafile()
        here.put_faults({"on": "events", "status": 503, "times": 7})
        told: list[int] = []

        def send(base: str, number: int) -> None:
            answer = requests.post(f"{base}/v1/events", json=batch(activation(f"u-{number}")), timeout=20)
            told.append(answer.status_code)

        threads = [
            threading.Thread(target=send, args=((here, there)[index % 2].base_url, index))
            for index in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == [204] * 13 + [503] * 7
        [rule] = there.json("faults")["faults"]
        assert (rule["seen"], rule["applied"]) == (20, 7)
