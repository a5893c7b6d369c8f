"""One emulator for all tests of a process, and a fresh namespace for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from journal_builders import Open
from space import Space

from optilocal.emulator.journal.journal import Journal
from optilocal.emulator.journal.journal import open_journal as open_at
from optilocal.emulator.server import EmulatorServer
from optilocal.emulator.settings import Settings


@pytest.fixture(scope="session")
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer(Settings(port=0)) as running:
        yield running


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def space(server: EmulatorServer, session: requests.Session, _numbers: Iterator[int]) -> Space:
    return Space(server.base_url, f"t{next(_numbers)}", session)


@pytest.fixture
def other(server: EmulatorServer, session: requests.Session, _numbers: Iterator[int]) -> Space:
    return Space(server.base_url, f"t{next(_numbers)}", session)


KINDS = ["sqlite", "postgresql"]
"""Implementations of a journal; all pass tests/emulator/test_journal*.py."""


@pytest.fixture
def schema(_numbers: Iterator[int]) -> str:
    """A schema of PostgreSQL's that no other test uses."""
    return f"t{next(_numbers)}"


@pytest.fixture(params=KINDS)
def open_journal(request: pytest.FixtureRequest, tmp_path: Path, schema: str) -> Iterator[Open]:
    """Gives access to one store, as often as it is called: each is what another process would have."""
    made: list[Journal] = []
    where: Path | str = tmp_path / "journal.sqlite"
    if request.param == "postgresql":
        where = request.getfixturevalue("postgresql").url(schema)

    def open_one(**options: Any) -> Journal:
        made.append(open_at(where, **options))
        return made[-1]

    yield open_one
    for journal in made:
        journal.close()


@pytest.fixture
def journal(open_journal: Open) -> Journal:
    return open_journal()
