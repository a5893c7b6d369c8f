"""Catches the real hosts for one sandbox: authority, trust files, proxy, and environment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from optilocal.interception.authority import Authority
from optilocal.interception.connection import Tally
from optilocal.interception.environment import Addresses, environment
from optilocal.interception.hosts import EMULATOR, FORWARDER, InterceptionError, Policy, Upstream, host_name
from optilocal.interception.outer import OuterProxies
from optilocal.interception.proxy import Proxy, ProxyOptions
from optilocal.interception.trust import write_trust_files


class Interception:
    """A proxy and a TLS listener on free ports of this machine, from `start` until `stop`; a context manager.

    Caught requests go to the servers at `emulator_url` and `forwarder_url`, in `namespace` (None: the default one).
    `before` is the program's environment without interception. `now_ms` is the time, epoch milliseconds.
    """

    def __init__(
        self,
        emulator_url: str,
        forwarder_url: str,
        before: Mapping[str, str],
        *,
        now_ms: int,
        namespace: str | None = None,
        policy: Policy | None = None,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._urls, self._before, self._now_ms = (emulator_url, forwarder_url), dict(before), now_ms
        self._namespace, self._policy, self._report = namespace, policy or Policy(), report
        self._open = ExitStack()
        self._proxy: Proxy | None = None
        self.environment: dict[str, str] = {}
        """The variables to set on top of `before`, once it is started."""

    @property
    def tally(self) -> Tally:
        """The counts so far."""
        assert self._proxy is not None
        return self._proxy.tally

    def start(self) -> Self:
        """Start both; they accept connections when this returns. Raises InterceptionError, with nothing left running."""
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def _start(self) -> None:
        authority = Authority.of_this_user(self._now_ms)
        try:
            folder = self._open.enter_context(
                tempfile.TemporaryDirectory(prefix="optilocal-", ignore_cleanup_errors=True)
            )
        except OSError as error:
            raise InterceptionError(f"no temporary folder can be made: {error.strerror or error}") from None
        trust = write_trust_files(Path(folder), authority.certificate, self._before)
        emulator, forwarder = (self._upstream(url) for url in self._urls)
        policy = Policy(
            self._policy.only, (*self._policy.allowed, host_name(emulator.host), host_name(forwarder.host))
        )
        options = ProxyOptions(tls_port=0, policy=policy, outer=OuterProxies.of(self._before))
        upstreams = {EMULATOR: emulator, FORWARDER: forwarder}
        proxy = self._proxy = Proxy(authority, upstreams, options, self._report)
        self._open.enter_context(proxy)
        addresses = Addresses(*self._urls, proxy.url, f"127.0.0.1:{proxy.tls_port}")
        self.environment = environment(addresses, trust, authority.spki, self._before, only=policy.only)

    def _upstream(self, url: str) -> Upstream:
        try:
            return Upstream.at(url, self._namespace)
        except ValueError as error:
            raise InterceptionError(str(error)) from None

    def stop(self) -> None:
        """Close every connection and remove the files; a second call does nothing."""
        self._open.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
