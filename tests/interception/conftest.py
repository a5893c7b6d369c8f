"""An authority of the tests' own, the two servers, and an interception that leads to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from catching import NOW_MS, CatchingFactory

from optilocal.interception.authority import Authority
from optilocal.interception.trust import TrustFiles, write_trust_files
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.servers import LocalServers, ServerOptions


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.of_this_user(NOW_MS, tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def trust(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> TrustFiles:
    return write_trust_files(tmp_path_factory.mktemp("trust"), authority.certificate, {})


@pytest.fixture(scope="session")
def servers() -> Iterator[LocalServers]:
    options = ServerOptions(emulator_port=0, forwarder_port=0, datafiles=(str(SHOP),))
    with LocalServers(options, with_forwarder=True) as running:
        yield running


@pytest.fixture
def catching(authority: Authority, trust: TrustFiles, servers: LocalServers) -> Iterator[CatchingFactory]:
    factory = CatchingFactory(authority, trust, servers)
    yield factory
    factory.close()
