"""The real hosts on a port of this machine, for what honours no proxy: `optilocal up --tls`."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from optilocal.forwarder.clock import SystemClock
from optilocal.interception.authority import Authority
from optilocal.interception.hosts import EMULATOR, FORWARDER, InterceptionError, Upstream
from optilocal.interception.proxy import Proxy, ProxyOptions
from optilocal.interception.trust import TrustFiles, write_trust_files
from optilocal.scenarios.language.problems import CannotRun
from optilocal.serving.printable import printable


def authority() -> tuple[Authority, TrustFiles]:
    """This user's certificate authority, and what a program is to trust, beside it. Raises CannotRun."""
    try:
        own = Authority.of_this_user(SystemClock().now_ms())
        return own, write_trust_files(own.certificate_file.parent, own.certificate, {})
    except InterceptionError as error:
        raise CannotRun(str(error)) from None


class NamedHosts:
    """A listener that answers over TLS under the name that a client gives in its greeting; a context manager.

    Raises CannotRun when it cannot listen.
    """

    def __init__(self, emulator_url: str, forwarder_url: str, host: str, port: int) -> None:
        self._upstreams = {EMULATOR: Upstream.at(emulator_url), FORWARDER: Upstream.at(forwarder_url)}
        self._host, self._port = host, port
        self._open = ExitStack()
        self.address = ""
        """`HOST:PORT` once it listens."""
        self.bundle = Path()
        """The certificates that a program is to trust, PEM."""

    def __enter__(self) -> Self:
        own, trust = authority()
        options = ProxyOptions(host=self._host, proxy_port=None, tls_port=self._port)
        try:
            proxy = self._open.enter_context(Proxy(own, self._upstreams, options, _report))
        except InterceptionError as error:
            raise CannotRun(str(error)) from None
        self.address, self.bundle = f"{self._host}:{proxy.tls_port}", trust.bundle
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _report(line: str) -> None:
    sys.stderr.write(f"optilocal: {printable(line)}\n")
