"""Proxies in front of the servers, for tests, and clients that go through them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from optilocal.interception.authority import Authority
from optilocal.interception.hosts import EMULATOR, FORWARDER, Policy, Upstream
from optilocal.interception.outer import NO_PROXIES, OuterProxies
from optilocal.interception.proxy import Proxy, ProxyOptions
from optilocal.interception.trust import TrustFiles
from optilocal.scenarios.language.datafiles import SHOP
from optilocal.scenarios.running.servers import LocalServers

SDK_KEY = json.loads(SHOP.read_bytes())["sdkKey"]
NOW_MS = time.time_ns() // 1_000_000


@dataclass
class Caught:
    """A proxy that runs, and a client that goes through it."""

    proxy: Proxy
    session: requests.Session

    def client(self, trust: TrustFiles) -> requests.Session:
        """Another client, with connections of its own."""
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"https": self.proxy.url, "http": self.proxy.url}
        session.verify = str(trust.bundle)
        return session


class CatchingFactory:
    """Starts proxies in front of the servers; every defect that a proxy reports fails the test."""

    def __init__(self, authority: Authority, trust: TrustFiles, servers: LocalServers) -> None:
        self._authority, self._trust, self._servers = authority, trust, servers
        self._open: list[Caught] = []
        self.reported: list[str] = []

    def __call__(
        self,
        policy: Policy | None = None,
        namespace: str | None = None,
        outer: OuterProxies = NO_PROXIES,
        emulator: str | None = None,
    ) -> Caught:
        upstreams = {
            EMULATOR: Upstream.at(emulator or self._servers.emulator_url, namespace),
            FORWARDER: Upstream.at(self._servers.forwarder_url, namespace),
        }
        options = ProxyOptions(tls_port=0, policy=policy or Policy(), outer=outer)
        made = Caught(
            Proxy(self._authority, upstreams, options, self.reported.append).start(), requests.Session()
        )
        made.session = made.client(self._trust)
        self._open.append(made)
        return made

    def close(self) -> None:
        for made in self._open:
            made.session.close()
            made.proxy.stop()
        assert self.reported == []


def is_private(file: Path) -> bool:
    """Whether nobody but its owner may read a file."""
    return file.stat().st_mode & 0o777 == 0o600
