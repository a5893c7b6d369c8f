"""One emulator for all tests of a process, and a fresh namespace for each test."""

import itertools
from collections.abc import Iterator

import pytest
import requests
from space import Space

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
