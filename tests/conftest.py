"""What all tests share: property tests have no deadline, for a busy machine is no defect; one PostgreSQL a process."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from postgresql_server import PostgresqlServer, serving

settings.register_profile("optilocal", deadline=None)
settings.load_profile("optilocal")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """The one PostgreSQL of these tests; each takes a schema of its own in it."""
    with serving() as server:
        yield server
