"""The journal's database gone, slow or full: whoever sends is told to come back, and nothing acknowledged is lost."""

import signal
from collections.abc import Iterator

import psycopg
import pytest
import requests
from field_builders import batch
from journal_builders import convert, decide
from postgresql_server import PostgresqlServer
from space import Space

from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


@pytest.fixture
def emulator(postgresql: PostgresqlServer, schema: str) -> Iterator[EmulatorServer]:
    with EmulatorServer(Settings(port=0, journal=postgresql.url(schema))) as running:
        yield running


@pytest.fixture
def sandbox(emulator: EmulatorServer, session: requests.Session) -> Space:
    space = Space(emulator.base_url, "s", session)
    space.put_datafile()
    space.send(batch(decide("u-0"), convert("u-0")))
    return space


def send(space: Space, user: str) -> requests.Response:
    return space.call("POST", "/v1/events", json=batch(decide(user), convert(user)))


def until_taken(space: Space, user: str) -> None:
    """Send as an SDK does: again until it is taken."""
    assert any(send(space, user).status_code == 204 for _ in range(200))


def counted(space: Space) -> set[str]:
    rows = space.json("verdicts?outcome=counted&limit=1000")["verdicts"]
    assert len(rows) == len({row["uuid"] for row in rows})
    return {row["visitor_id"] for row in rows}


def assert_told_to_come_back(answer: requests.Response) -> None:
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"]["code"] == "journal_away"


def test_a_database_that_was_killed_and_comes_back(sandbox: Space, postgresql: PostgresqlServer) -> None:
    postgresql.kill()
    try:
        assert_told_to_come_back(send(sandbox, "u-1"))
        assert_told_to_come_back(sandbox.get("/_emulator/verdicts"))
        assert sandbox.get("/_emulator/health").status_code == 200
        assert sandbox.get("/_emulator/ready").status_code == 503
    finally:
        postgresql.start()
    until_taken(sandbox, "u-2")
    assert counted(sandbox) == {"u-0", "u-2"}
    assert sandbox.get("/_emulator/ready").status_code == 200


def test_a_database_that_does_not_answer(
    sandbox: Space, postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optilocal.emulator.wire.remote.PATIENCE_S", 0.5)
    postgresql.signal(signal.SIGSTOP)
    try:
        # The first is on its way, the second waits for it: neither waits longer than it is patient.
        for user in ("u-1", "u-2"):
            assert_told_to_come_back(send(sandbox, user))
    finally:
        postgresql.signal(signal.SIGCONT)
    until_taken(sandbox, "u-3")
    # The first was not acknowledged, and may have been taken all the same.
    assert {"u-0", "u-3"} <= counted(sandbox) <= {"u-0", "u-1", "u-3"}


@pytest.mark.parametrize("code", ["disk_full", "read_only_sql_transaction"])
def test_a_database_that_takes_nothing(
    sandbox: Space, postgresql: PostgresqlServer, schema: str, code: str
) -> None:
    with psycopg.connect(postgresql.url(), autocommit=True) as db:
        db.execute(
            f"""CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{code}'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON {schema}.exchanges EXECUTE FUNCTION {schema}.refuse()"""
        )
        answer = send(sandbox, "u-1")
        assert_told_to_come_back(answer)
        assert "could not extend file" in answer.json()["error"]["message"]
        db.execute(f"DROP TRIGGER refuse ON {schema}.exchanges")
    until_taken(sandbox, "u-2")
    assert counted(sandbox) == {"u-0", "u-2"}
